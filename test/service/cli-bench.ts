import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { searchText, sharedRedisUrl } from "@mailfleet/testkit";
import { runCli } from "../../apps/cli/src/run-cli.ts";
import { address, dir, keys, sandbox } from "./sync-bench.ts";

export interface CliRun {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

/** Where the commands keep what they write, for the fleet of the running test. */
export const dataDir = (): string => join(dir, `data-${keys.bullPrefix.slice(1, -1)}`);

/** A configuration that names the sandbox and the fleet of the running test. */
export async function writeConfig(): Promise<string> {
  const [tenant] = sandbox.tenants;
  await mkdir(dataDir(), { recursive: true });
  const file = join(dataDir(), "mailfleet.yaml");
  await writeFile(join(dataDir(), "secret"), sandbox.secretOf("contoso"), { mode: 0o600 });
  await writeFile(
    file,
    `name: ${keys.bullPrefix.slice(1, -1)}
redis: { url: ${sharedRedisUrl()} }
dataDir: ${dataDir()}
blobs: { dir: ${join(dir, "blobs")} }
tenants:
  contoso:
    tenantId: ${tenant?.tenantId ?? ""}
    clientId: ${tenant?.clientId ?? ""}
    credential: { secretFile: ./secret }
    cloud: custom
    endpoints: { authority: "${sandbox.authority}", scope: "https://outlook.office365.com/.default", imap: { host: ${sandbox.imap.host}, port: ${sandbox.imap.port}, tls: true }, caFile: ${sandbox.caFile} }
    mailboxes: [${address}]
`,
  );
  return file;
}

interface CliStreams {
  /** As on a terminal: tables and sentences for people. */
  readonly isTerminal?: boolean;
  /** What is typed when something is asked. */
  readonly answer?: string;
}

/** One command in this process, with the configuration of the running test. */
export async function cli(args: readonly string[], { isTerminal = false, answer }: CliStreams = {}): Promise<CliRun> {
  const texts = { out: "", err: "" };
  const stream = (which: "out" | "err"): Writable =>
    Object.assign(
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          texts[which] += chunk.toString();
          done();
        },
      }),
      isTerminal ? { isTTY: true, columns: 120, rows: 40 } : {},
    );
  const code = await runCli({
    args: [...args, "--config", await writeConfig(), "--progress", "none", "--color", "never"],
    env: {},
    cwd: dir,
    stdout: stream("out"),
    stderr: stream("err"),
    setVariable: () => undefined,
    ...(answer !== undefined && { ask: () => Promise.resolve(answer) }),
  });
  searchText(`output of mailfleet ${args.join(" ")}`, texts.out + texts.err);
  return { code, ...texts };
}

/** The same for programs; `doc` is the one document on stdout. */
export async function cliJson(
  ...args: string[]
): Promise<{ readonly code: number | undefined; readonly doc: unknown; readonly err: string }> {
  const { code, out, err } = await cli([...args, "--json"]);
  return { code, doc: JSON.parse(out), err };
}
