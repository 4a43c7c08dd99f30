import type { Protocol } from "@mailfleet/core";
import type { SyncSettings } from "@mailfleet/engine";
import fc from "fast-check";
import { CrashWorld } from "./crash-world.ts";
import { settle } from "./run-scenario.ts";

/** As Exchange names them; as Dovecot does by default; and as Exchange with every third item from before 2007. */
const uidlsBy = {
  number: String,
  word: (uid: number) => `${uid.toString(16).padStart(8, "0")}6a1b2c3d`,
  mixed: (uid: number) => (uid % 3 === 0 ? `legacy-${uid}` : String(uid)),
} as const;

const manySteps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("deliver" as const), count: fc.integer({ min: 1, max: 3 }), isOdd: fc.boolean() }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("expunge" as const), which: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("restore" as const), which: fc.nat(20), count: fc.nat(4) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("hide" as const), which: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("show" as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("move" as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("poll" as const), lane: fc.constantFrom("fresh" as const, "backfill" as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("settle" as const) }) },
  ),
  { maxLength: 14 },
);

/** What happens to a mailbox, and who looks at it in between. */
export interface SpoolHistory {
  readonly names: keyof typeof uidlsBy;
  /** The spool's list begins with the newest. */
  readonly isNewestFirst: boolean;
  /** By which it is read at first. */
  readonly protocol: Protocol;
  readonly settings: Partial<SyncSettings>;
  readonly steps: typeof manySteps extends fc.Arbitrary<infer All> ? All : never;
}

export const histories: fc.Arbitrary<SpoolHistory> = fc.record({
  names: fc.constantFrom("number" as const, "word" as const, "mixed" as const),
  isNewestFirst: fc.boolean(),
  protocol: fc.constantFrom("imap" as const, "pop3" as const),
  settings: fc.constantFrom({}, { slice: { messages: 2, bytes: 64e6, seconds: 20 } }),
  steps: manySteps,
});

const oldestFirst = { isNewestFirst: false, settings: {} };

/** Found once, by chance. */
export const examples: readonly SpoolHistory[] = [
  // Two were gone, one of them hidden only and back before anything showed it: the restore that followed had it handed off again.
  {
    ...oldestFirst,
    names: "number",
    protocol: "pop3",
    steps: [
      { do: "deliver", count: 1, isOdd: false },
      { do: "hide", which: 0 },
      { do: "deliver", count: 3, isOdd: false },
      { do: "poll", lane: "fresh" },
      { do: "expunge", which: 1 },
      { do: "restore", which: 1, count: 1 },
    ],
  },
  // Other messages under the same numbers: as many as before, and more.
  ...[2, 3].map((count): SpoolHistory => ({
    ...oldestFirst,
    names: "number",
    protocol: "imap",
    steps: [
      { do: "deliver", count: 2, isOdd: false },
      { do: "expunge", which: 1 },
      { do: "restore", which: 0, count },
      { do: "expunge", which: 0 },
    ],
  })),
  // Of those that took known numbers only that of a message is left that had been told as removed.
  {
    ...oldestFirst,
    names: "number",
    protocol: "imap",
    steps: [
      { do: "deliver", count: 2, isOdd: false },
      { do: "poll", lane: "fresh" },
      { do: "expunge", which: 3 },
      { do: "restore", which: 0, count: 3 },
      { do: "expunge", which: 0 },
    ],
  },
  // Twice, the second time as many under the same names: after the first the highest number that was dealt is not the last of the list.
  {
    ...oldestFirst,
    names: "word",
    protocol: "imap",
    steps: [
      { do: "deliver", count: 3, isOdd: false },
      { do: "deliver", count: 2, isOdd: false },
      { do: "move" },
      { do: "expunge", which: 8 },
      { do: "restore", which: 14, count: 3 },
      { do: "restore", which: 9, count: 1 },
    ],
  },
  // A restore and a move at once: the number that a message had is another one's when it is dealt again.
  {
    ...oldestFirst,
    names: "number",
    protocol: "imap",
    steps: [
      { do: "deliver", count: 2, isOdd: false },
      { do: "restore", which: 1, count: 0 },
      { do: "move" },
      { do: "poll", lane: "fresh" },
      { do: "deliver", count: 2, isOdd: false },
    ],
  },
];

/** Lives through it, and then through two days in which nothing happens. @returns all that is wrong at the end */
export async function problemsAfter({ names, isNewestFirst, protocol, settings, steps }: SpoolHistory): Promise<readonly string[]> {
  const world = new CrashWorld({ protocol, settings, uidlOf: uidlsBy[names], isNewestFirst });
  const hidden = new Set<number>();
  let serial = 0;
  let isRestored = false;
  const deliver = (isOdd: boolean): void => {
    const raw = isOdd ? Buffer.from(`Subject: no id ${++serial}\r\n\r\n${serial}\r\n`) : world.message(`m${++serial}`);
    world.mail.deliver("INBOX", raw, { internalDate: serial * 60_000 });
  };
  const pick = (which: number): number | undefined => {
    const there = world.mail.uids("INBOX");
    return there[which % Math.max(1, there.length)];
  };
  const show = (): void => {
    for (const uid of hidden) if (world.mail.uids("INBOX").includes(uid)) world.mail.hide("INBOX", uid, false);
    hidden.clear();
  };
  for (const step of steps) {
    switch (step.do) {
      case "deliver":
        for (let n = 0; n < step.count; n++) deliver(step.isOdd);
        break;
      case "expunge":
      case "hide": {
        const uid = pick(step.which);
        if (uid === undefined) break;
        if (step.do === "expunge") world.mail.expunge("INBOX", [uid]);
        // The first that is no number is a reset of its own, and a restore is one that shows only when its numbers are dealt again.
        else if (names !== "mixed" && !isRestored) {
          // While a reset is not through, what is hidden is told as removed, and as new when it is back: nobody can know better.
          await settle(world, world.worker());
          if (!world.mail.uids("INBOX").includes(uid)) break;
          world.mail.hide("INBOX", uid, true);
          hidden.add(uid);
        }
        break;
      }
      case "restore": {
        const uid = pick(step.which);
        if (uid === undefined) break;
        show();
        await settle(world, world.worker());
        world.mail.restore("INBOX", uid);
        isRestored = true;
        for (let n = 0; n < step.count; n++) deliver(false);
        break;
      }
      case "show":
        show();
        break;
      case "move":
        if (hidden.size > 0) {
          show();
          await settle(world, world.worker());
        }
        world.moveTo(world.mailbox.protocol === "imap" ? "pop3" : "imap");
        break;
      case "poll":
        await world.clock.advance(world.settings.pollMs);
        await world.worker().sync(world.settings, world.mailbox, step.lane);
        break;
      case "settle":
        await settle(world, world.worker());
    }
  }
  show();
  // What shows in nothing else is looked for once a day.
  for (let days = 0; days < 2; days++) {
    await settle(world, world.worker());
    await world.clock.advance(world.settings.compare.wholeMs);
  }
  await settle(world, world.worker());
  return world.problems();
}
