import { syncError, type SyncError } from "./failure.ts";

/** What Redis' own error words mean, and what ends it. A script that is refused with one of these wrote nothing. */
const sentences: Readonly<Record<string, string>> = {
  OOM: "Redis is full (maxmemory reached)",
  MISCONF: "Redis cannot write to its disk, which is full or broken (MISCONF)",
  READONLY: "Redis is a replica by now (READONLY): the primary is looked for again",
  NOREPLICAS: "Redis has too few replicas to be written to (NOREPLICAS)",
  NOPERM: "mailfleet's user in Redis lacks a right (NOPERM)",
  LOADING: "Redis still loads its data (LOADING)",
  BUSY: "Redis is busy with somebody's script (BUSY)",
};

/** The first word of Redis' answer: the only part of a foreign error that goes on, because the rest carries arguments (T02). */
export function redisErrorWord(error: unknown): string {
  const text = error instanceof Error ? error.message : "";
  // A right that is missing inside of a script has no word of its own: Redis 7, and 6 and 7.0.
  if (/^ERR (ACL failure in script|The user executing the script)/.test(text)) return "NOPERM";
  return /^[A-Z]{2,20}/.exec(text)?.[0] ?? "no answer";
}

/** @param what that was asked of Redis: `commit`, `lease` */
export function redisRefusal(error: unknown, what: string): SyncError {
  const word = redisErrorWord(error);
  const why = sentences[word] ?? `Redis gave no good answer (${word})`;
  return syncError("REDIS_UNAVAILABLE", `${why}: the ${what} was refused whole. Nothing is lost; it is tried again.`, {
    layer: "redis",
    code: word,
    text: why,
  });
}
