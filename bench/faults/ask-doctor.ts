import { spawn } from "node:child_process";
import { join } from "node:path";

/** What the doctor said, as far as it is judged. */
export interface DoctorAnswer {
  /** The step that is wrong, or `none`. */
  readonly step: string;
  /** What it found there; empty where nothing is wrong. */
  readonly says: string;
  readonly exitCode: number | undefined;
  readonly output: string;
}

/** `mailfleet doctor --json`, as a program would run it. */
export async function askDoctor(configFile: string, args: readonly string[]): Promise<DoctorAnswer> {
  const cli = join(import.meta.dirname, "../../apps/cli/src/main.ts");
  const child = spawn(process.execPath, [cli, "doctor", ...args, "--config", configFile, "--json"], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { PATH: process.env["PATH"] },
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exitCode = await new Promise<number | undefined>((resolve) => child.once("close", (code) => resolve(code ?? undefined)));
  return { ...findingOf(output), exitCode, output };
}

function findingOf(output: string): Pick<DoctorAnswer, "step" | "says"> {
  try {
    const { wrong, sentence } = JSON.parse(output) as { wrong?: { step?: string } | null; sentence?: string };
    return wrong?.step === undefined ? { step: "none", says: "" } : { step: wrong.step, says: sentence ?? "" };
  } catch {
    return { step: "no answer", says: output.slice(0, 200) };
  }
}
