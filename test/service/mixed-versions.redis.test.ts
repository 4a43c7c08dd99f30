import { expect, test } from "vitest";
import { events, keys, mailbox, ports, record, redis, sandbox, sync, setUpSyncBench } from "./sync-bench.ts";

setUpSyncBench();

const id = "contoso/support@contoso.example";

/** Everything that is kept of the mailbox's folders. */
const folders = (): Promise<Record<string, string>> => redis.hgetall(keys.checkpoints(id));

test("a mailbox that a newer version worked on is left untouched, said so, and owes its history still", async () => {
  await sync("fresh");
  const stored = (await redis.hget(keys.checkpoints(id), "INBOX")) ?? "";
  await redis.hset(keys.checkpoints(id), "INBOX", stored.replace("\n{", '\n{"f":3,"new":"kind",'));
  const before = await folders();
  const logins = sandbox.counters.commands.get("AUTHENTICATE");
  for (const lane of ["fresh", "backfill"] as const) {
    expect(await sync(lane)).toMatchObject({ kind: "failed", failure: { code: "CHECKPOINT_NEWER" } });
  }
  expect(await folders()).toEqual(before);
  expect(await events()).toEqual([]);
  expect(sandbox.counters.commands.get("AUTHENTICATE")).toBe(logins);
  const seen = await record();
  expect(seen).toMatchObject({ hasHistory: true, cause: { code: "CHECKPOINT_NEWER", state: "waiting" } });
  expect((seen?.cause?.nextAt ?? 0) - Date.now()).toBeLessThan(31_000);
});

test("a mailbox that the older version left goes on with the newer one as if nothing had been", async () => {
  await sync("fresh");
  const stored = (await redis.hget(keys.checkpoints(id), "INBOX")) ?? "";
  await redis.hset(keys.checkpoints(id), "INBOX", stored.replace("\n{", '\n{"f":3,'));
  await sync("backfill");
  // The newer version, for which this is its own format.
  await redis.hset(keys.checkpoints(id), "INBOX", stored);
  expect(await sync("backfill")).toMatchObject({ kind: "done", hasHistory: false });
  expect((await record())?.cause).toBeUndefined();
  expect((await ports.store.load(mailbox)).folders.get("INBOX")?.checkpoint?.generation).toBe(1);
});
