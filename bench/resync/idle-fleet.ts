import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { mailboxId, redisKeys } from "@mailfleet/core";
import { startSandbox } from "@mailfleet/sandbox";
import { startRedis } from "@mailfleet/testkit/servers";
import type { Watched } from "../throughput/processes.ts";

/** What a mailbox costs in Redis once it is synced and nothing happens, by MEMORY USAGE. */
export interface IdleCost {
  readonly mailboxes: number;
  readonly messagesPerMailbox: number;
  readonly foldersPerMailbox: { readonly median: number; readonly max: number };
  /** Bytes of the key that holds all checkpoints of a mailbox: median and largest. */
  readonly checkpointBytes: { readonly median: number; readonly max: number };
  /** Bytes of the mailbox's other key. */
  readonly mailboxBytes: number;
}

const mailboxes = 20;
const messagesPerMailbox = 200;
const giveUpMs = 5 * 60_000;

/** Mailboxes of the invented world, as `npm start` has them: eight folders, scattered flags, holes in the UIDs. */
export async function measureIdleMailboxes(
  dir: string,
  startRoles: (config: string) => readonly Watched[],
  writeConfig: (options: {
    sandbox: Awaited<ReturnType<typeof startSandbox>>;
    redisUrl: string;
    dir: string;
    imapPort: number;
  }) => Promise<string>,
): Promise<IdleCost> {
  await mkdir(dir, { recursive: true });
  const sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [{ alias: "contoso", mailboxes, messages: mailboxes * messagesPerMailbox }],
    trickle: 0,
    faults: false,
  });
  const server = await startRedis({ shared: false });
  const redis = new Redis(server.url);
  const keys = redisKeys();
  let roles: readonly Watched[] = [];
  try {
    roles = startRoles(await writeConfig({ sandbox, redisUrl: server.url, dir, imapPort: sandbox.imap.port }));
    const ids = (sandbox.tenants[0]?.addresses ?? []).map((address) => mailboxId({ tenant: "contoso", address }));
    const deadline = performance.now() + giveUpMs;
    for (;;) {
      const states = await Promise.all(ids.map((id) => redis.hmget(keys.mailbox(id), "checkedAt", "history", "t")));
      if (states.every(([checkedAt, history, toDo]) => checkedAt !== null && history === "0" && Number(toDo ?? 0) === 0)) break;
      if (performance.now() > deadline)
        throw new Error(`the idle fleet is not synced\n${roles.map((role) => role.output().slice(-1_000)).join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await Promise.all(roles.map((role) => role.stop()));
    const usage = async (key: string): Promise<number> => Number(await redis.call("MEMORY", "USAGE", key, "SAMPLES", "0"));
    const checkpoints = (await Promise.all(ids.map((id) => usage(keys.checkpoints(id))))).sort((a, b) => a - b);
    const others = (await Promise.all(ids.map((id) => usage(keys.mailbox(id))))).sort((a, b) => a - b);
    const folders = (await Promise.all(ids.map((id) => redis.hlen(keys.checkpoints(id))))).sort((a, b) => a - b);
    return {
      mailboxes: ids.length,
      messagesPerMailbox,
      foldersPerMailbox: { median: folders[folders.length >> 1] ?? 0, max: folders.at(-1) ?? 0 },
      checkpointBytes: { median: checkpoints[checkpoints.length >> 1] ?? 0, max: checkpoints.at(-1) ?? 0 },
      mailboxBytes: others[others.length >> 1] ?? 0,
    };
  } finally {
    await Promise.all(roles.map((role) => role.stop()));
    redis.disconnect();
    await server.stop();
    await sandbox.close();
  }
}
