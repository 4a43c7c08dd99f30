import { describe, expect, test } from "vitest";
import { type MailRhythm, nextPollMs, phaseOf } from "./poll-interval.ts";

const minute = 60_000;
const now = Date.UTC(2026, 10, 27, 12);
const settings = { pollMs: 5 * minute, freshWithinMs: 10 * minute };

interface Waiting {
  readonly id: number;
  /** Second in which it was due; undefined for a mailbox that was never polled. */
  readonly at: number | undefined;
}

/** A fleet by the second: mailboxes that are due are polled, the longest waiting first, as many in a second as the slots of its workers. */
class SimulatedFleet {
  second = 0;
  readonly #pollsPerSecond: number;
  readonly #rhythmOf: (id: number) => MailRhythm;
  readonly #phases: readonly number[];
  /** By second: the mailboxes that are due then. */
  readonly #due: number[][] = [];
  #waiting: Waiting[] = [];
  #held: Waiting[] = [];
  #seed = 7;

  constructor(size: number, pollsPerSecond: number, rhythmOf: (id: number) => MailRhythm, firstAt: ((id: number) => number) | undefined) {
    this.#pollsPerSecond = pollsPerSecond;
    this.#rhythmOf = rhythmOf;
    this.#phases = Array.from({ length: size }, (_, id) => phaseOf(`contoso/user${id}@contoso.example`));
    for (let id = 0; id < size; id++) {
      if (firstAt) this.#plan(id, firstAt(id));
      else this.#waiting.push({ id, at: undefined });
    }
  }

  /** @param isHeld mailboxes of which none is taken meanwhile */
  run(seconds: number, slots = this.#pollsPerSecond, isHeld: (id: number) => boolean = () => false): void {
    this.#waiting = [...this.#held, ...this.#waiting];
    this.#held = [];
    for (const end = this.second + seconds; this.second < end; this.second++) {
      for (const id of this.#due[this.second] ?? []) this.#waiting.push({ id, at: this.second });
      let taken = 0;
      let polls = 0;
      for (; taken < this.#waiting.length && polls < slots; taken++) {
        const next = this.#waiting[taken] as Waiting;
        if (isHeld(next.id)) this.#held.push(next);
        else {
          this.#poll(next);
          polls++;
        }
      }
      this.#waiting.splice(0, taken);
    }
  }

  #poll({ id, at }: Waiting): void {
    const ms = nextPollMs({
      settings,
      rhythm: this.#rhythmOf(id),
      isPushed: false,
      lateMs: at === undefined ? Number.POSITIVE_INFINITY : (this.second - at) * 1_000,
      now: now + this.second * 1_000,
      phase: this.#phases[id] ?? 0,
      random: this.#random(),
    });
    this.#plan(id, this.second + Math.round(ms / 1_000));
  }

  #plan(id: number, at: number): void {
    (this.#due[at] ??= []).push(id);
  }

  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 2 ** 32;
  }

  /** The fullest second of these, by their mean. */
  peak(from: number, to: number): number {
    const counts = Array.from({ length: to - from }, (_, i) => this.#due[from + i]?.length ?? 0);
    return Math.max(...counts) / (counts.reduce((sum, one) => sum + one, 0) / counts.length);
  }
}

describe("10,000 mailboxes do not stay together", () => {
  const dead: MailRhythm = { mailAt: now - 30 * 24 * 60 * minute, gapMs: 20 * minute };
  // Always as if mail had just come.
  const usual: MailRhythm = { mailAt: now + 24 * 60 * minute, gapMs: 20 * minute };
  const kinds = { dead: () => dead, usual: () => usual, mixed: (id: number) => (id % 3 === 0 ? usual : dead) };
  const polls = 200;
  /** Two intervals of the slowest mailbox, s, and a time long after. */
  const two = 840;
  const hour = 3_600;

  describe.each(Object.entries(kinds))("%s ones", (_, rhythmOf) => {
    const even = (): SimulatedFleet => {
      const fleet = new SimulatedFleet(10_000, polls, rhythmOf, (id) => id % 400);
      fleet.run(two);
      return fleet;
    };
    const expectSpread = (fleet: SimulatedFleet): void => {
      const from = fleet.second;
      fleet.run(hour + two);
      // Where each due time is a throw of dice the fullest of so many seconds has 1.7 times the mean.
      expect(fleet.peak(from + two, from + 2 * two)).toBeLessThan(2.5);
      expect(fleet.peak(from + hour - two, from + hour)).toBeLessThan(2.5);
    };

    test("after an import in one moment", () => {
      expectSpread(new SimulatedFleet(10_000, polls, rhythmOf, undefined));
    });

    test("after Redis was away for two minutes", () => {
      const fleet = even();
      fleet.run(120, 0);
      expectSpread(fleet);
    });

    test("after all workers were down for an hour", () => {
      const fleet = even();
      fleet.run(hour, 0);
      expectSpread(fleet);
    });

    test("after a tenant of half of them was held for twenty minutes", () => {
      const fleet = even();
      fleet.run(1_200, polls, (id) => id % 2 === 1);
      expectSpread(fleet);
    });
  });
});
