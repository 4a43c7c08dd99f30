import { describe, expect, test } from "vitest";
import { type FolderCheckpoint, mailboxId, packCheckpoint, type ProofFolder, unpackCheckpoint, verdictOf } from "@mailfleet/core";
import { proveMailbox, type ProvenMailbox, repairGaps } from "@mailfleet/engine";
import { createDueIndex } from "@mailfleet/store";
import { createHash } from "node:crypto";
import { withMethod } from "./session-faults.ts";
import {
  address,
  calm,
  events,
  keyOf,
  keys,
  mailbox,
  never,
  noFault,
  ports,
  record,
  redis,
  sandbox,
  setUpSyncBench,
  sync,
  truth,
  world,
} from "./sync-bench.ts";

setUpSyncBench();

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

async function prove(earlier?: ProvenMailbox, rules = calm.folders): Promise<ProvenMailbox> {
  const byPath = new Map(earlier?.folders.map((folder) => [folder.path, folder]));
  return proveMailbox({ ...ports, sha256 }, { mailbox, rules, earlier: (path) => byPath.get(path) }, never);
}

const inbox = ({ folders }: ProvenMailbox): ProofFolder => folders.find(({ path }) => path === "INBOX") as ProofFolder;

/** Changes a stored checkpoint behind everybody's back, as a fault of ours would. */
async function damage(folder: string, change: (checkpoint: FolderCheckpoint) => FolderCheckpoint): Promise<void> {
  const key = keys.checkpoints(mailboxId(mailbox));
  const [version, commit, ledger, ...rest] = ((await redis.hget(key, folder)) ?? "").split("\n");
  const checkpoint = unpackCheckpoint(rest.join("\n")) as FolderCheckpoint;
  await redis.hset(key, folder, [version, commit, ledger, packCheckpoint(change(checkpoint))].join("\n"));
}

const without =
  (uid: number) =>
  (checkpoint: FolderCheckpoint): FolderCheckpoint => ({
    ...checkpoint,
    handedOff: checkpoint.handedOff.flatMap(([low, high]): [number, number][] =>
      uid < low || uid > high
        ? [[low, high]]
        : ([
            [low, uid - 1],
            [uid + 1, high],
          ].filter(([a = 0, b = 0]) => a <= b) as [number, number][]),
    ),
  });

function sentSince(before: ReadonlyMap<string, number>): Map<string, number> {
  const sent = new Map<string, number>();
  for (const [verb, count] of sandbox.counters.commands)
    if (count !== before.get(verb)) sent.set(verb.toUpperCase(), count - (before.get(verb) ?? 0));
  return sent;
}

/** A message that no listing showed until now, as Exchange's hidden ones: at a UID below UIDNEXT that nobody had. */
function plant(): number {
  const uids = new Set(truth("INBOX").map(({ uid }) => uid));
  for (let uid = Math.max(...uids) - 1; uid > 0; uid--) {
    if (uids.has(uid)) continue;
    sandbox.plant(address, "INBOX", uid, Buffer.from("Subject: planted\r\n\r\nplanted\r\n"));
    return uid;
  }
  throw new Error("no hole among the UIDs");
}

describe("prove", () => {
  test("accounts for every message of a mailbox that was never synced, half synced, and synced", async () => {
    const all = truth().length;
    expect((await prove()).folders.reduce((sum, { counts }) => sum + counts.toDo, 0)).toBe(all);
    await sync("backfill", { ...calm, slice: { ...calm.slice, messages: 40 } });
    const half = await prove();
    expect(verdictOf(half.folders)).toBe("whole");
    await sync("backfill");
    const { folders, notMail } = await prove();
    expect(verdictOf(folders)).toBe("whole");
    expect(folders.reduce((sum, { counts }) => sum + counts.handedOff, 0)).toBe(all);
    expect(folders.reduce((sum, { counts }) => sum + counts.listed, 0)).toBe(all);
    expect(notMail).toContain("Calendar");
  });

  test("finds one planted missing message among 2,000, and only STATUS is sent for folders that did not move", async () => {
    for (let n = 0; n < 2_000; n++) sandbox.deliver(address, "INBOX", Buffer.from(`Subject: ${n}\r\n\r\n${n}\r\n`));
    await sync("backfill");
    const first = await prove();
    expect(verdictOf(first.folders)).toBe("whole");

    let before = new Map(sandbox.counters.commands);
    const second = await prove(first);
    expect(verdictOf(second.folders)).toBe("whole");
    expect(second.unchanged).toBe(second.folders.length);
    expect(second.folders.map(({ counts }) => counts)).toEqual(first.folders.map(({ counts }) => counts));
    const sent = sentSince(before);
    expect([...sent.keys()].filter((verb) => !/LOGIN|AUTHENTICATE|CAPABILITY|NAMESPACE|ID|ENABLE|LOGOUT/.test(verb)).sort()).toEqual([
      "LIST",
      "STATUS",
    ]);
    expect(sent.get("STATUS")).toBe(second.folders.length);

    const planted = plant();
    before = new Map(sandbox.counters.commands);
    const third = await prove(second);
    expect(verdictOf(third.folders)).toBe("gaps");
    expect(inbox(third).uids?.gaps).toEqual({ ranges: String(planted) });
    expect(third.missingSince).toBeGreaterThan(0);
    expect(third.unchanged).toBe(third.folders.length - 1);
    expect(sentSince(before).get("EXAMINE")).toBe(2);
  });

  test("sees what a rule leaves out, what is new, and what is gone, as what it is", async () => {
    await sync("backfill");
    const [first, second] = truth("INBOX");
    sandbox.expunge(address, "INBOX", [first?.uid ?? 0]);
    const uid = sandbox.deliver(address, "INBOX", Buffer.from("Subject: new\r\n\r\nnew\r\n"));
    const found = await prove();
    expect(inbox(found).counts).toMatchObject({ gaps: 0, toDo: 1, extras: 1 });
    expect(inbox(found).uids).toMatchObject({ toDo: { ranges: String(uid) }, extras: { ranges: String(first?.uid) } });
    const narrow = await prove(found, { include: ["INBOX"], exclude: [] });
    expect(verdictOf(narrow.folders)).toBe("whole");
    expect(inbox(narrow).counts.handedOff).toBeGreaterThan(0);
    expect(second).toBeDefined();
  });

  test("a server that counts more than it lists proves nothing, and is not believed the next time either", async () => {
    await sync("backfill");
    const last = truth("INBOX").at(-1)?.uid as number;
    world.fault = withMethod(
      "listUids",
      (session) => async (low, high) => (await session.listUids(low, high)).filter((uid) => uid !== last),
    );
    const short = await prove();
    expect(verdictOf(short.folders)).toBe("unread");
    expect(inbox(short).counts.hidden).toBe(1);
    world.fault = noFault;
    expect(verdictOf((await prove(short)).folders)).toBe("whole");
  });

  test("does not hold the mailbox: a session runs while it is proven, and gaps of the moment are no gaps", async () => {
    await sync("fresh");
    const [outcome, found] = await Promise.all([sync("backfill"), prove()]);
    expect(outcome.kind).toBe("done");
    expect(verdictOf(found.folders)).toBe("whole");
  });
});

describe("repair", () => {
  const repair = async (found: ProvenMailbox, broken: Partial<typeof ports> = {}) =>
    repairGaps(
      {
        ...ports,
        ...broken,
        poke: () => createDueIndex(redis, keys).poke(mailbox.tenant, [mailboxId(mailbox)]),
        isAnyoneWorking: () => Promise.resolve(false),
      },
      {
        mailbox,
        gaps: [{ path: "INBOX", generation: inbox(found).checkpoint.generation, uids: [[gapOf(found), gapOf(found)]] }],
      },
      never,
    );
  const gapOf = (found: ProvenMailbox): number => {
    const gaps = inbox(found).uids?.gaps;
    return gaps !== undefined && "ranges" in gaps ? Number(gaps.ranges) : 0;
  };

  test("puts a missing message back, and the normal flow hands it off", async () => {
    await sync("backfill");
    const victim = plant();
    const found = await prove();
    expect(gapOf(found)).toBe(victim);

    expect(await repair(found)).toEqual({ kind: "nobody-works", putBack: 1 });
    expect(inbox(await prove()).counts).toMatchObject({ gaps: 0, toDo: 1 });
    expect((await record())?.ledger.toDo).toBe(1);
    // A second one, or one that was killed in between, puts nothing back twice.
    expect(await repair(found)).toMatchObject({ putBack: 0 });

    expect(await sync("fresh")).toMatchObject({ kind: "done", counts: { handedOff: 1 } });
    expect((await events()).map(keyOf).filter((key) => key === `INBOX ${victim}`)).toHaveLength(1);
    expect(verdictOf((await prove()).folders)).toBe("whole");
    expect((await record())?.ledger.toDo).toBe(0);
    expect(await repair(found)).toEqual({ kind: "done", putBack: 0 });
  });

  test("killed before or after its commit, the message is handed off once all the same", async () => {
    await sync("backfill");
    const victim = plant();
    const found = await prove();
    const died = (): Promise<never> => Promise.reject(new Error("killed"));
    const id = mailboxId(mailbox);
    const { handOff } = ports;
    for (const [broken, toDo] of [
      [{ ...handOff, commit: died }, 0],
      [{ ...handOff, settle: died }, 1],
    ] as const) {
      await expect(repair(found, { handOff: broken })).rejects.toThrow("killed");
      expect((await record())?.ledger.toDo).toBe(toDo);
      // Runs out by itself when nobody renews it.
      await redis.del(keys.lease(id));
    }
    expect(await repair(found)).toMatchObject({ putBack: 0 });
    await sync("fresh");
    expect((await events()).map(keyOf).filter((key) => key === `INBOX ${victim}`)).toHaveLength(1);
    expect(verdictOf((await prove()).folders)).toBe("whole");
  });

  test("leaves alone what belongs to another generation by now", async () => {
    await sync("backfill");
    await damage("INBOX", without(truth("INBOX")[3]?.uid as number));
    const found = await prove();
    sandbox.resetUidValidity(address, "INBOX");
    await sync("fresh");
    expect(await repair(found)).toEqual({ kind: "done", putBack: 0 });
  });
});
