import { Writable } from "node:stream";
import { searchText } from "@mailfleet/testkit";
import type { CliProcess } from "./cli.ts";
import { runCli } from "./run-cli.ts";

/* For tests only. */

export interface CapturedRun {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

export interface CapturedOptions extends Pick<CliProcess, "args" | "cwd"> {
  /** Default none. */
  readonly env?: CliProcess["env"];
  /** As on a terminal of so many columns: tables and sentences for people. */
  readonly columns?: number;
  /** What is typed when something is asked. */
  readonly answer?: string;
}

/** One command in this process, its output kept, and searched for secrets and tokens. */
export async function runCaptured({ args, cwd, env = {}, columns, answer }: CapturedOptions): Promise<CapturedRun> {
  const texts = { out: "", err: "" };
  const stream = (which: "out" | "err"): Writable =>
    Object.assign(
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          texts[which] += chunk.toString();
          done();
        },
      }),
      columns === undefined ? {} : { isTTY: true, columns, rows: 40 },
    );
  const code = await runCli({
    ...{ args, env, cwd, stdout: stream("out"), stderr: stream("err"), setVariable: () => undefined },
    ...(answer !== undefined && { ask: () => Promise.resolve(answer) }),
  });
  searchText(`output of mailfleet ${args.join(" ")}`, texts.out + texts.err);
  return { code, ...texts };
}
