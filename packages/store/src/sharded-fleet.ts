import { type MailboxStore, parseMailboxId, type Sharded, sumLedgers } from "@mailfleet/core";
import type { DueIndex } from "./due-index.ts";
import type { FleetReader } from "./fleet-reader.ts";
import type { MailboxRegistry } from "./registry.ts";

/** Each of these is the same port over all shards: what is asked of one tenant is asked of its shard, what is asked of all is put together. */

export function shardedRegistry({ all, of }: Sharded<MailboxRegistry>): MailboxRegistry {
  return {
    async register(mailboxes, spreadMs, fromMs) {
      const counts = { added: 0, changed: 0, same: 0 };
      const parts = Map.groupBy(mailboxes, ({ tenant }) => of(tenant));
      for (const part of await Promise.all([...parts].map(([registry, some]) => registry.register(some, spreadMs, fromMs))))
        for (const count of ["added", "changed", "same"] as const) counts[count] += part[count];
      return counts;
    },
    find: async (id) => of(parseMailboxId(id)?.tenant ?? "").find(id),
    list: async (tenant) => (tenant === undefined ? (await Promise.all(all.map((one) => one.list()))).flat() : of(tenant).list(tenant)),
    async *scan() {
      for (const one of all) yield* one.scan();
    },
  };
}

/** Processes are the fleet's, and in the first shard; so is the time that all others are compared with. */
export function shardedReader(all: readonly FleetReader[]): FleetReader {
  const [first] = all as readonly [FleetReader, ...FleetReader[]];
  return {
    now: () => first.now(),
    processes: () => first.processes(),
    lanesServed: () => first.lanesServed(),
    heartbeat: (record) => first.heartbeat(record),
    goodbye: (id) => first.goodbye(id),
    mailboxes: async () => (await Promise.all(all.map((one) => one.mailboxes()))).flat().sort((a, b) => (a.id < b.id ? -1 : 1)),
    fleetLedger: async () => sumLedgers(await Promise.all(all.map((one) => one.fleetLedger()))),
    tenantLedgers: async () =>
      new Map(
        (await Promise.all(all.map((one) => one.tenantLedgers()))).flatMap((ledgers) => [...ledgers]).sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
  };
}

export function shardedPokes({ of }: Sharded<Pick<DueIndex, "poke">>): Pick<DueIndex, "poke"> {
  return { poke: (tenant, ids) => of(tenant).poke(tenant, ids) };
}

export function shardedStore({ of }: Sharded<MailboxStore>): MailboxStore {
  return {
    acquire: (mailbox, lane) => of(mailbox.tenant).acquire(mailbox, lane),
    load: (mailbox) => of(mailbox.tenant).load(mailbox),
    noteInHand: (lease, note) => of(lease.mailbox.tenant).noteInHand(lease, note),
  };
}
