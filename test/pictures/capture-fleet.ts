import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { redisKeys } from "@mailfleet/core";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { createFleetReader, type MailboxRecord } from "@mailfleet/store";
import { startRedis } from "@mailfleet/testkit";
import { watchFirstPass } from "../../apps/cli/src/up/first-pass.ts";
import { root, startProgram, until } from "../e2e/fleet.ts";
import { type FleetFacts, pinFacts } from "./fleet-facts.ts";

const passMs = 300_000;
const newMailMs = 60_000;
/** Who gets mail after the first sync, and is seen under New. */
const receivers = [
  { tenant: "fabrikam", mailbox: "elena.conti@fabrikam.example" },
  { tenant: "contoso", mailbox: "jobs@contoso.example" },
] as const;

/** A first sync of the default sandbox by the real producer and worker, then two new messages. */
export async function captureFleet(): Promise<FleetFacts> {
  const dir = await mkdtemp(join(tmpdir(), "mailfleet-pictures-"));
  const server = await startRedis({ shared: false, dir: join(dir, "redis") });
  const sandbox = await startSandbox({ dataDir: join(dir, "sandbox"), trickle: 0 });
  const env = { MAILFLEET_REDIS_URL: server.url, MAILFLEET_DATA_DIR: join(dir, "data"), MAILFLEET_SYNC_POLL_SECONDS: "2" };
  const roles = (["producer", "worker"] as const).map((role) =>
    startProgram([join(root, `apps/${role}/src/main.ts`), "--config", sandbox.configFile], env),
  );
  const redis = new Redis(server.url);
  const output = (): string => roles.map((role) => role.output()).join("\n");
  try {
    const reader = createFleetReader(redis, redisKeys());
    const expected = sandbox.tenants.flatMap(({ alias, addresses }) => addresses.map((address) => ({ tenant: alias, address })));
    const pass = watchFirstPass({ expected, startedAt: await reader.now(), before: [], backfill: true });
    const unfinished = async (): Promise<number> => pass.look(await reader.mailboxes(), await reader.now()).unfinished;
    await until(unfinished, (count) => count === 0, passMs, output);
    // As it was then: what comes next is told as new, and not as of the first sync.
    const records = await reader.mailboxes();
    return pinFacts(records, await newMail(sandbox, () => reader.mailboxes(), output));
  } finally {
    redis.disconnect();
    await Promise.all(roles.map((role) => role.stop()));
    await sandbox.close();
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Delivered, and handed off by the worker: then the sample consumer of `npm start` shows it. */
async function newMail(sandbox: Sandbox, look: () => Promise<readonly MailboxRecord[]>, output: () => string) {
  const before = await look();
  const handedOff = (records: readonly MailboxRecord[], address: string): number =>
    records.find((record) => record.address === address)?.ledger.handedOff ?? 0;
  const delivered = receivers.map(({ tenant, mailbox }) => {
    const raw = Buffer.from(`Subject: new\r\nMessage-ID: <new@${mailbox}>\r\n\r\nnew\r\n`);
    const uid = sandbox.deliver(mailbox, "INBOX", raw);
    return { type: "message.added", tenant, mailbox, folder: "INBOX", uid, uidl: undefined, at: 0 };
  });
  const missing = async (): Promise<number> => {
    const now = await look();
    return receivers.filter(({ mailbox }) => handedOff(now, mailbox) <= handedOff(before, mailbox)).length;
  };
  await until(missing, (count) => count === 0, newMailMs, output);
  return delivered;
}
