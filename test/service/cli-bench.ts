import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sharedRedisUrl } from "@mailfleet/testkit";
import { type CapturedRun, runCaptured } from "../../apps/cli/src/captured-run.fixture.ts";
import { address, dir, keys, mailbox, sandbox } from "./sync-bench.ts";

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
    endpoints: { authority: "${sandbox.authority}", scope: "https://outlook.office365.com/.default", imap: { host: ${sandbox.imap.host}, port: ${sandbox.imap.port}, tls: true }, pop3: { host: ${sandbox.pop3.host}, port: ${sandbox.pop3.port}, tls: true }, caFile: ${sandbox.caFile} }
    protocol: ${mailbox.protocol}
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
export async function cli(args: readonly string[], { isTerminal = false, answer }: CliStreams = {}): Promise<CapturedRun> {
  return runCaptured({
    args: [...args, "--config", await writeConfig(), "--progress", "none", "--color", "never"],
    cwd: dir,
    ...(isTerminal && { columns: 120 }),
    ...(answer !== undefined && { answer }),
  });
}

/** The same for programs; `doc` is the one document on stdout. */
export async function cliJson(
  ...args: string[]
): Promise<{ readonly code: number | undefined; readonly doc: unknown; readonly err: string }> {
  const { code, out, err } = await cli([...args, "--json"]);
  return { code, doc: JSON.parse(out), err };
}
