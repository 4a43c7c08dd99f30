import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ImapFlow } from "imapflow";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type RunningDovecot,
  type RunningRedis,
  type RunningTokenEndpoint,
  sharedDovecot,
  startRedis,
  startTokenEndpoint,
  uniqueName,
} from "@mailfleet/testkit";
import { readEvents, readMail, readSums, type Role, sha256, startRole, until } from "./fleet.ts";

const domain = `${uniqueName("fleet")}.example`;
const tenant = {
  tenantId: "b3a1a5e0-0000-4000-8000-00000000000a",
  clientId: "b3a1a5e0-0000-4000-8000-00000000000b",
  secret: "e2e-secret",
  domain,
};
const addresses = Array.from({ length: 10 }, (_, i) => `box${i}@${domain}`);
const folders = ["INBOX", "Archive", "Kunden/Müller"];

let dir: string;
let dovecot: RunningDovecot;
let endpoint: RunningTokenEndpoint;
let server: RunningRedis;
let redis: Redis;
let config: string;
const roles: Role[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-e2e-"));
  dovecot = await sharedDovecot();
  endpoint = await startTokenEndpoint({ dovecot, tenants: [tenant] });
  server = await startRedis({ shared: false });
  redis = new Redis(server.url);
  const mail = [...(await readMail("real", 900)), ...(await readMail("hard", 100))];
  for (const [i, address] of addresses.entries()) {
    for (const [j, folder] of folders.entries()) {
      const part = mail.filter((_, n) => n % addresses.length === i && Math.floor(n / addresses.length) % folders.length === j);
      await dovecot.fill(
        address,
        folder,
        part.map((raw) => ({ raw })),
      );
    }
  }
  await writeFile(join(dir, "secret"), `${tenant.secret}\n`, { mode: 0o600 });
  config = join(dir, "mailfleet.yaml");
  const { host, port } = dovecot.imap;
  await writeFile(
    config,
    `redis: { url: ${server.url} }
dataDir: ${dir}
tenants:
  fleet:
    tenantId: ${tenant.tenantId}
    clientId: ${tenant.clientId}
    credential: { secretFile: ./secret }
    cloud: custom
    endpoints: { authority: "${endpoint.authority}", scope: "https://outlook.office365.com/.default", imap: { host: ${host}, port: ${port}, tls: true }, caFile: ${dovecot.caFile} }
    mailboxes: [${addresses.join(", ")}]
sync: { pollSeconds: 2 }
`,
  );
});

afterAll(async () => {
  for (const role of roles) role.process.kill("SIGKILL");
  redis?.disconnect();
  await server?.stop();
  await endpoint?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** What the server serves, read by a client of its own: mailbox, folder and UID -> hash of the bytes. */
async function readTruth(): Promise<Map<string, string>> {
  const truth = new Map<string, string>();
  const accessToken = await dovecot.issueToken({ domain });
  for (const user of addresses) {
    const { host, port } = dovecot.imap;
    const client = new ImapFlow({
      host,
      port,
      secure: true,
      tls: { rejectUnauthorized: false },
      auth: { user, accessToken },
      logger: false,
    });
    await client.connect();
    for (const folder of folders) {
      await client.mailboxOpen(folder, { readOnly: true });
      for await (const message of client.fetch("1:*", { source: true }))
        truth.set(`${user} ${folder} ${message.uid}`, sha256(message.source ?? Buffer.alloc(0)));
    }
    await client.logout();
  }
  return truth;
}

test("two producers and two workers hand off every message once, though one worker is killed midway", async () => {
  const truth = await readTruth();
  roles.push(startRole("producer", config), startRole("producer", config), startRole("worker", config));
  const victim = startRole("worker", config);
  roles.push(victim);
  const logs = (): string => roles.map((role) => role.output()).join("\n");

  await until(
    () => readSums(redis),
    (sums) => sums.handedOff >= truth.size / 4,
    120_000,
    logs,
  );
  victim.process.kill("SIGKILL");
  await victim.ended;
  await until(
    () => readSums(redis),
    (sums) => sums.handedOff + sums.quarantined >= truth.size && sums.toDo === 0,
    180_000,
    logs,
  );

  const events = (await readEvents(server.url)).filter((event) => event.type === "message.added" || event.type === "message.quarantined");
  const handed = new Map(events.map((event) => [`${event.mailbox} ${event.folder.path} ${event.uid}`, event.raw?.sha256]));
  expect(events).toHaveLength(truth.size);
  expect(handed).toEqual(truth);
});

test("a message that arrives now is handed off in the fresh lane within seconds", async () => {
  const before = await readSums(redis);
  await dovecot.deliver(addresses[3] as string, "INBOX", Buffer.from("From: a@b.example\nSubject: now\n\nhello\n"));
  await until(
    () => readSums(redis),
    (sums) => sums.handedOff === before.handedOff + 1,
    60_000,
    () => roles.map((role) => role.output()).join("\n"),
  );
  const newest = (await readEvents(server.url))
    .filter((event) => event.type === "message.added")
    .filter((event) => event.message.subject === "now");
  expect(newest).toMatchObject([{ lane: "fresh", mailbox: addresses[3], folder: { path: "INBOX", role: "inbox" } }]);
});

test("nothing on the server was changed: no message became read", async () => {
  const accessToken = await dovecot.issueToken({ domain });
  const { host, port } = dovecot.imap;
  const client = new ImapFlow({
    host,
    port,
    secure: true,
    tls: { rejectUnauthorized: false },
    auth: { user: addresses[0] as string, accessToken },
    logger: false,
  });
  await client.connect();
  await client.mailboxOpen("INBOX", { readOnly: true });
  expect(await client.search({ seen: true })).toEqual([]);
  await client.logout();
});

test("the fleet asked for one token, however many sessions it opened", () => {
  expect(endpoint.requests).toBeLessThanOrEqual(2);
});

test("neither the secret nor a token lies in Redis' files, in the data folder or in a log", async () => {
  const token = await dovecot.issueToken({ domain });
  const files = [
    ...(await readdir(server.dir, { recursive: true, withFileTypes: true })),
    ...(await readdir(dir, { recursive: true, withFileTypes: true })),
  ];
  const texts = await Promise.all(
    files
      .filter((file) => file.isFile() && file.name !== "secret")
      .map(async (file) => [file.name, await readFile(join(file.parentPath, file.name), "latin1")] as const),
  );
  expect(texts.some(([name]) => name.endsWith(".aof"))).toBe(true);
  texts.push(...roles.map((role) => ["log", role.output()] as const));
  // Every token of this Dovecot begins with the same header.
  const header = token.slice(0, token.indexOf("."));
  for (const needle of [
    tenant.secret,
    encodeURIComponent(tenant.secret),
    Buffer.from(tenant.secret).toString("base64").slice(0, 12),
    header,
  ]) {
    expect(
      texts.filter(([, text]) => text.includes(needle)).map(([name]) => name),
      needle,
    ).toEqual([]);
  }
});

test("each role stops within ten seconds of being asked, and says so", async () => {
  const startedAt = performance.now();
  const running = roles.filter((role) => role.process.exitCode === null && role.process.signalCode === null);
  expect(running).toHaveLength(3);
  expect(await Promise.all(running.map((role) => role.stop()))).toEqual([0, 0, 0]);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});
