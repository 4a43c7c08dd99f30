import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Protocol } from "@mailfleet/core";
import { startSandbox } from "@mailfleet/sandbox";
import { freePort, type RunningDovecot, startDovecot, startTokenEndpoint } from "@mailfleet/testkit/servers";
import { startFarProxy } from "./far-server.ts";

export interface WorldOptions {
  /** As if the server were so far away; 0 for as near as it is. */
  readonly rttMs: number;
  /** What everyone reads it by. */
  readonly protocol: Protocol;
  readonly messages: number;
  readonly mailboxes: number;
  /** Folder of .eml files, searched recursively; absent: invented mail. */
  readonly corpus?: string;
}

/** A Dovecot with the same mail for every contestant, and what mailfleet needs to read it. */
export interface World {
  /** Where everyone connects to. */
  readonly server: { readonly host: string; readonly port: number };
  readonly protocol: Protocol;
  readonly dir: string;
  readonly dovecot: RunningDovecot;
  readonly addresses: readonly string[];
  readonly messages: number;
  readonly bytes: number;
  readonly medianBytes: number;
  readonly tenant: { readonly tenantId: string; readonly clientId: string; readonly secret: string; readonly domain: string };
  readonly authority: string;
  close(): Promise<void>;
}

const tenant = {
  tenantId: "b3a1a5e0-0000-4000-8000-000000000001",
  clientId: "b3a1a5e0-0000-4000-8000-000000000002",
  secret: "bench-secret",
  domain: "bench.example",
};

/** Fills Dovecot: the corpus over and over, every copy with a Message-ID header of its own line, spread evenly over the mailboxes. */
export async function openWorld(options: WorldOptions): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), "mailfleet-bench-"));
  const mail = await (options.corpus === undefined ? inventedMail(dir) : readCorpus(options.corpus));
  const dovecot = await startDovecot({ shared: false, port: await freePort() });
  const endpoint = await startTokenEndpoint({ dovecot, tenants: [tenant] });
  const sizes: number[] = [];
  const addresses = Array.from({ length: options.mailboxes }, (_, i) => `box${String(i).padStart(3, "0")}@${tenant.domain}`);
  for (const [i, address] of addresses.entries()) {
    const messages = [];
    for (let n = i; n < options.messages; n += options.mailboxes) {
      const raw = numbered(mail[n % mail.length] as Buffer, n);
      sizes.push(raw.length);
      messages.push({ raw });
    }
    await dovecot.fill(address, "INBOX", messages);
  }
  sizes.sort((a, b) => a - b);
  const near = dovecot[options.protocol];
  const far = options.rttMs > 0 ? await startFarProxy(near.port, options.rttMs) : undefined;
  return {
    server: far ? { host: near.host, port: far.port } : near,
    protocol: options.protocol,
    dir,
    dovecot,
    addresses,
    messages: sizes.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    medianBytes: sizes[sizes.length >> 1] ?? 0,
    tenant,
    authority: endpoint.authority,
    async close() {
      far?.process.kill("SIGKILL");
      await endpoint.stop();
      await dovecot.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Makes each copy a message of its own, so that nothing can be recognised as seen before. */
function numbered(raw: Buffer, n: number): Buffer {
  return Buffer.concat([Buffer.from(`X-Copy: ${n} ${createHash("sha256").update(String(n)).digest("hex").slice(0, 16)}\r\n`), raw]);
}

async function readCorpus(dir: string): Promise<Buffer[]> {
  const listed = await readdir(dir, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`the corpus ${dir} cannot be read (${error.code}); name a folder of .eml files with --corpus`);
  });
  const names = listed.filter((name) => name.endsWith(".eml")).sort();
  if (names.length === 0) throw new Error(`no .eml file under ${dir}; name a folder with --corpus`);
  const found: Buffer[] = [];
  for (const name of names) found.push(withCrlf(await readFile(join(dir, name))));
  return found;
}

/** What the sandbox would serve: 2,000 messages of its invented tenants. */
async function inventedMail(dir: string): Promise<Buffer[]> {
  const sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [{ alias: "contoso", mailboxes: 10, messages: 2_000 }],
    trickle: 0,
    faults: false,
  });
  try {
    return [...sandbox.truth()].filter((one) => one.isMail).map((one) => sandbox.bytes(one.address, one.folder, one.uid));
  } finally {
    await sandbox.close();
  }
}

/** Line ends as an IMAP server sends them. */
function withCrlf(raw: Buffer): Buffer {
  return Buffer.from(raw.toString("latin1").replace(/\r?\n/g, "\r\n"), "latin1");
}

/** The configuration of mailfleet for this world, in a data folder of its own. Nobody takes the events: intake must not stop for that. */
export async function writeConfig(world: World, dir: string, redisUrl: string, parseThreads: number): Promise<string> {
  await writeFile(join(dir, "secret"), world.tenant.secret, { mode: 0o600 });
  const { protocol } = world;
  const { host, port } = world.server;
  const file = join(dir, "mailfleet.yaml");
  await writeFile(
    file,
    `redis: { url: ${redisUrl} }
dataDir: ${dir}
tenants:
  bench:
    tenantId: ${world.tenant.tenantId}
    clientId: ${world.tenant.clientId}
    credential: { secretFile: ./secret }
    cloud: custom
    endpoints:
      authority: ${world.authority}
      scope: https://outlook.office365.com/.default
      ${protocol}: { host: ${host}, port: ${port}, tls: true }
      caFile: ${world.dovecot.caFile}
    protocol: ${protocol}
    mailboxes: [${world.addresses.join(", ")}]
sync: { pollSeconds: 300 }
downstream: { highWater: ${2 * world.messages + 1_000}, highWaterBytes: ${64 * 1024 ** 3} }
blobs: { dir: ${join(dir, "blobs")} }
worker: { parseThreads: ${parseThreads} }
`,
  );
  return file;
}
