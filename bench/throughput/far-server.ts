import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { watch } from "./processes.ts";

/** The port of a proxy that makes a server of this machine a round trip away, in a process of its own. */
export async function startFarProxy(port: number, rttMs: number): Promise<{ readonly process: ChildProcess; readonly port: number }> {
  const { process: child } = watch(process.execPath, [join(import.meta.dirname, "far-proxy.ts"), String(port), String(rttMs)], {
    PATH: process.env["PATH"],
  });
  const text = await new Promise<string>((resolve, reject) => {
    child.stdout?.once("data", (chunk: Buffer) => resolve(chunk.toString()));
    child.once("exit", () => reject(new Error("the proxy that makes the server far did not start")));
  });
  return { process: child, port: Number(text) };
}
