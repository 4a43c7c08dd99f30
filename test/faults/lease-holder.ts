import { emptyLedger, type FolderCheckpoint, outgoing, redisKeys, scopeKey, startCheckpoint, uidSetOf } from "@mailfleet/core";
import { createHandOff, openMessagesQueue } from "@mailfleet/queue";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { createMailboxStore, redisOptions } from "@mailfleet/store";
import { Redis } from "ioredis";

/**
 * A worker without a mail server, as a process of its own that a test may kill, stop or stall: takes the lease of a mailbox and commits one
 * event after the other, and says on stdout what came of each. `node lease-holder.ts PORT NAME ADDRESS [STALL_MS]`; with a stall its event
 * loop is blocked for so long after the fifth commit, and the next commit is tried at once.
 */
async function hold(port: number, name: string, address: string, stallMs: number): Promise<void> {
  const keys = redisKeys(name);
  const connection = redisOptions({ host: "127.0.0.1", port, db: 0, tls: false });
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const redis = new Redis(connection as object);
  const queue = openMessagesQueue({ connection, keys, log });
  const handOff = await createHandOff({ queue, keys, clock: systemClock });
  const store = createMailboxStore({ redis, keys, clock: systemClock, chance: systemChance, log, worker: `holder-${process.pid}` });
  const mailbox = { tenant: "contoso", address, protocol: "imap" } as const;
  const say = (fields: object): void => void process.stdout.write(`${JSON.stringify(fields)}\n`);
  const close = async (): Promise<void> => {
    await queue.close();
    redis.disconnect();
  };
  const lease = await store.acquire(mailbox, "fresh");
  if (!lease) {
    say({ is: "busy" });
    return close();
  }
  lease.signal.addEventListener("abort", () => say({ is: "lost", at: Date.now() }));
  const state = await store.load(mailbox);
  let version = state.folders.get("INBOX")?.version ?? 0;
  for (let round = 1; ; round++) {
    if (round === 6 && stallMs > 0) {
      say({ is: "stalling" });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs);
    }
    const checkpoint: FolderCheckpoint = {
      ...startCheckpoint({ uidValidity: "1", uidNext: version + 1, messages: 0 }, 1, false),
      handedOff: uidSetOf(Array.from({ length: version + 1 }, (_, i) => i + 1)),
    };
    const startedAt = systemClock.monotonic();
    const result = await handOff.commit({
      id: systemChance.uuid(),
      lease,
      folder: "INBOX",
      expectedVersion: version,
      checkpoint,
      ledger: { ...emptyLedger, listed: version + 1, handedOff: version + 1 },
      events: [
        outgoing({
          schema: "mailfleet.event/1",
          type: "folder.reset",
          key: scopeKey(mailbox, "INBOX", "reset", `${version}`),
          tenant: "contoso",
          mailbox: address,
          protocol: "imap",
          at: new Date().toISOString(),
          lane: "fresh",
          folder: { path: "INBOX" },
          uidValidity: "1",
          previousUidValidity: "1",
          generation: 1,
        }),
      ],
    });
    say({ is: result.kind, version, ms: systemClock.monotonic() - startedAt, at: Date.now() });
    if (result.kind !== "applied") break;
    version = result.version;
    await systemClock.sleep(50);
  }
  lease.stop();
  await close();
}

const [port = "", name = "", address = "", stallMs = "0"] = process.argv.slice(2);
await hold(Number(port), name, address, Number(stallMs));
