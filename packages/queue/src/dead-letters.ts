import type { Queue } from "bullmq";
import type { MailEvent, RedisKeys } from "@mailfleet/core";
import { discardLettersScript, inspectLettersScript, reprocessKeys, retryLettersScript } from "./letter-scripts.ts";

/** An event that a consumer failed on until its attempts were used up. */
export interface DeadLetter {
  /** The job's id, which is the event's unless that was very long. */
  readonly id: string;
  readonly type: string;
  /** Epoch ms. */
  readonly failedAt: number;
  readonly tries: number;
  /** The consumer's words, as they came: not scrubbed. */
  readonly reason: string;
  /** The name that the consumer's worker gave itself. */
  readonly consumer?: string;
}

/** A letter as it was when it was listed: one that failed anew since then is another. */
export interface LetterRef {
  readonly id: string;
  readonly failedAt: number;
}

/** What was done with letters that were listed. */
export interface LetterOutcome {
  /** Done, or in a dry run: would be. */
  readonly done: number;
  /** Not in the queue any more: consumed, or discarded. */
  readonly gone: number;
  /** Tried again since: waiting, being worked on, or failed another time. Left alone. */
  readonly moved: number;
}

export interface DeadLetters {
  /** Letters that failed up to a time (epoch ms), in the order in which they failed, page by page. */
  pages(upTo: number): AsyncGenerator<readonly DeadLetter[], void, void>;
  /** When the newest of them failed, epoch ms; 0 where there is none. Another list of as many letters has another newest one. */
  newestAt(): Promise<number>;
  read(id: string): Promise<(DeadLetter & { readonly event: MailEvent | undefined }) | undefined>;
  /** Fresh attempts for letters that are still as they were listed. */
  retry(letters: readonly LetterRef[]): Promise<LetterOutcome>;
  /** @param under id of the discard, by which the names of exactly those that go are kept */
  discard(letters: readonly LetterRef[], under: string): Promise<LetterOutcome>;
  /** What either would do. */
  inspect(letters: readonly LetterRef[]): Promise<LetterOutcome>;
}

/** Letters of one page, and of one script: Redis is blocked for a few milliseconds. */
const pageSize = 500;

/** BullMQ's client, as far as it is needed. */
interface LetterClient {
  defineCommand(name: string, definition: { lua: string }): void;
  runCommand(name: string, args: unknown[]): Promise<unknown>;
  zrangebyscore(
    key: string,
    min: number | string,
    max: number,
    scores: "WITHSCORES",
    limit: "LIMIT",
    offset: number,
    count: number,
  ): Promise<string[]>;
  zrevrange(key: string, from: number, to: number, options: { WITHSCORES: true }): Promise<string[]>;
  hmget(key: string, ...fields: string[]): Promise<(string | null)[]>;
}

/** The failed jobs of the `messages` queue. */
export async function openDeadLetters(queue: Queue, keys: Pick<RedisKeys, "discarded">): Promise<DeadLetters> {
  const client = (await (queue.getBackend() as unknown as { client: Promise<unknown> }).client) as LetterClient;
  const prefix = queue.toKey("");
  const failed = queue.toKey("failed");
  client.defineCommand("mailfleetRetryLetters", { lua: retryLettersScript() });
  client.defineCommand("mailfleetDiscardLetters", { lua: discardLettersScript });
  client.defineCommand("mailfleetInspectLetters", { lua: inspectLettersScript });

  const act = async (command: string, named: readonly string[], letters: readonly LetterRef[]): Promise<LetterOutcome> => {
    const outcome = { done: 0, gone: 0, moved: 0 };
    for (let at = 0; at < letters.length; at += pageSize) {
      const args = letters.slice(at, at + pageSize).flatMap(({ id, failedAt }) => [id, String(failedAt)]);
      const answers = (await client.runCommand(command, [named.length, ...named, prefix, ...args])) as number[];
      for (const answer of answers) outcome[answer === 1 ? "done" : answer === 0 ? "gone" : "moved"]++;
    }
    return outcome;
  };
  const readFacts = async (id: string): Promise<DeadLetter | undefined> => {
    const [type, reason, finishedOn, tries, consumer] = await client.hmget(
      `${prefix}${id}`,
      "name",
      "failedReason",
      "finishedOn",
      "atm",
      "pb",
    );
    // Retried or removed since its page was read.
    if (type === null || type === undefined || finishedOn === null || finishedOn === undefined) return undefined;
    return {
      id,
      type,
      failedAt: Number(finishedOn),
      tries: Number(tries ?? 0),
      reason: reason ?? "",
      ...(consumer && { consumer }),
    };
  };

  return {
    async *pages(upTo) {
      let from: number | string = "-inf";
      let skip = 0;
      for (;;) {
        const answer = await client.zrangebyscore(failed, from, upTo, "WITHSCORES", "LIMIT", skip, pageSize);
        if (answer.length === 0) return;
        const ids = answer.filter((_, i) => i % 2 === 0);
        const scores = answer.filter((_, i) => i % 2 === 1).map(Number);
        const last = scores.at(-1) as number;
        // Many fail in the same millisecond: the next page begins behind those that were seen of it.
        const seen = scores.filter((score) => score === last).length;
        skip = last === from ? skip + seen : seen;
        from = last;
        yield (await Promise.all(ids.map(readFacts))).filter((letter) => letter !== undefined);
      }
    },

    async newestAt() {
      const [, score = 0] = await client.zrevrange(failed, 0, 0, { WITHSCORES: true });
      return Number(score);
    },

    async read(id) {
      const facts = await readFacts(id);
      if (facts === undefined) return undefined;
      const [data] = await client.hmget(`${prefix}${id}`, "data");
      return { ...facts, event: parseEvent(data ?? "") };
    },

    retry: (letters) =>
      act(
        "mailfleetRetryLetters",
        reprocessKeys.map((name) => queue.toKey(name)),
        letters,
      ),
    discard: (letters, under) => act("mailfleetDiscardLetters", [queue.toKey("events"), failed, keys.discarded(under)], letters),
    inspect: (letters) => act("mailfleetInspectLetters", [queue.toKey("events"), failed], letters),
  };
}

/** Anybody may have put anything into the queue. */
function parseEvent(text: string): MailEvent | undefined {
  try {
    const event = JSON.parse(text) as MailEvent | null;
    return typeof event === "object" && event !== null && typeof event.key === "string" ? event : undefined;
  } catch {
    return undefined;
  }
}
