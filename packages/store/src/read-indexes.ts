import type { Redis } from "ioredis";
import type { RedisKeys } from "@mailfleet/core";

/** Entries that one script looks at: Redis answers others in between. An index that is larger has a script of its own. */
const entriesOfScript = 1_000;

/**
 * KEYS due indexes. ARGV the digest of what is known of each. Answers for each its digest, and all of it as one text where that differs: ids
 * and scores in turns with NUL between them. Twenty thousand answers of their own would cost several times as much to read, and most looks
 * find nothing new.
 */
const indexScript = `
local answers = {}
for i, key in ipairs(KEYS) do
  local text = table.concat(redis.call('ZRANGE', key, 0, -1, 'WITHSCORES'), '\\0')
  local digest = redis.sha1hex(text)
  answers[i] = digest == ARGV[i] and {digest} or {digest, text}
end
return answers`;

/** A due index as it was at the last look. */
interface Index {
  readonly digest: string;
  /** Changed in place: a map of each second's own would outlive the second, and have V8 collect the whole heap every few. */
  readonly scores: Map<string, number>;
}

/** What one look at the indexes tells. */
export interface IndexNews {
  /** Epoch ms by Redis' clock. */
  readonly at: number;
  /** Ids of mailboxes whose score differs from the last look, that came, and that left. */
  readonly moved: readonly string[];
  /** Mailboxes of the shard, in an index or not. */
  readonly count: number;
  /** Ids of those that a connection waits for. */
  readonly pushed: ReadonlySet<string>;
  /** Some tenant is held. */
  readonly isAnyHeld: boolean;
}

/** Follows the due indexes of all tenants: two round trips a look. */
export function createIndexReader(redis: Redis, keys: RedisKeys): () => Promise<IndexNews> {
  const known = new Map<string, Index>();

  /** Keys of so many indexes as one script looks at; one that was never seen may be large. */
  const groupsOf = (names: readonly string[]): string[][] => {
    const groups: string[][] = [];
    let room = 0;
    for (const name of names) {
      const size = Math.min(known.get(name)?.scores.size ?? entriesOfScript, entriesOfScript);
      if (size > room || groups.length === 0) {
        groups.push([]);
        room = entriesOfScript;
      }
      groups.at(-1)?.push(name);
      room -= size;
    }
    return groups;
  };

  return async () => {
    const tenants = (await redis.smembers(keys.tenants)).sort();
    const names = tenants.flatMap((tenant) => [keys.due("fresh", tenant), keys.due("backfill", tenant)]);
    const groups = groupsOf(names);
    // One name more, because the command takes at least one.
    const holds = [keys.hold(""), ...tenants.map((tenant) => keys.hold(tenant))];
    const pipeline = redis
      .pipeline()
      .time()
      .scard(keys.mailboxes)
      .hkeys(keys.pushHeld)
      .exists(...holds);
    for (const group of groups) {
      pipeline.eval(indexScript, group.length, ...group, ...group.map((name) => known.get(name)?.digest ?? ""));
    }
    const answers = ((await pipeline.exec()) ?? []).map(([error, answer]) => {
      if (error) throw error;
      return answer;
    });
    const [time, count, pushed, held, ...found] = answers as [[string, string], number, string[], number, ...[string, string?][][]];
    const moved: string[] = [];
    for (const [i, [digest, text]] of found.flat().entries()) {
      if (text === undefined) continue;
      const name = names[i] as string;
      const scores = known.get(name)?.scores ?? new Map<string, number>();
      moved.push(...follow(scores, text));
      known.set(name, { digest, scores });
    }
    // Of tenants that are gone.
    const present = new Set(names);
    for (const [name, { scores }] of known) {
      if (present.has(name)) continue;
      moved.push(...scores.keys());
      known.delete(name);
    }
    return {
      at: Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000),
      moved,
      count,
      pushed: new Set(pushed),
      isAnyHeld: held > 0,
    };
  };
}

/** Brings the scores to what the text says. @returns ids whose score differs, that came, and that left */
function follow(scores: Map<string, number>, text: string): string[] {
  const words = text === "" ? [] : text.split("\0");
  const moved: string[] = [];
  const sizeBefore = scores.size;
  let stayed = 0;
  for (let i = 0; i + 1 < words.length; i += 2) {
    const id = words[i] as string;
    const score = scoreOf(words[i + 1] as string);
    const before = scores.get(id);
    if (before !== undefined) stayed += 1;
    if (before === score) continue;
    // V8 makes a piece of a text by pointing into it: what is kept must not keep the whole index.
    const own = Buffer.from(id).toString();
    scores.set(own, score);
    moved.push(own);
  }
  if (stayed === sizeBefore) return moved;
  // Parked, removed, or taken out of the index for another reason.
  const present = new Set(words.filter((_, i) => i % 2 === 0));
  for (const id of scores.keys()) {
    if (present.has(id)) continue;
    scores.delete(id);
    moved.push(id);
  }
  return moved;
}

function scoreOf(word: string): number {
  if (word === "inf") return Number.POSITIVE_INFINITY;
  return word === "-inf" ? Number.NEGATIVE_INFINITY : Number(word);
}
