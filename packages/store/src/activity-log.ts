import type { Redis } from "ioredis";
import type { RedisKeys } from "@mailfleet/core";
import type { ActivityEntry } from "@mailfleet/core/console";

/** An entry before Redis dated it. */
export type NewActivity = Omit<ActivityEntry, "id" | "at">;

export interface ActivityQuestion {
  readonly who: "people" | "mailfleet" | "both";
  readonly tenant?: string;
  readonly what?: ActivityEntry["verb"];
  /** `tenant/address` */
  readonly mailbox?: string;
  /** Id of an entry: only older ones. */
  readonly before?: string;
  readonly count: number;
}

/** Who did what, for whoever asks later. Written by every console; bounded. */
export interface ActivityLog {
  write(entry: NewActivity): Promise<void>;
  /** The latest first. `before` is there when there may be more. */
  read(question: ActivityQuestion): Promise<{ readonly entries: readonly ActivityEntry[]; readonly before?: string }>;
}

/** About 300 bytes each, so 3 MB: months of people's actions. */
const keptEntries = 10_000;
/** Entries that are read in one go, and in one answer at most. */
const pageSize = 500;
const longestText = 300;
/** Characters: some thirty addresses. A longer command is left out, because one that was cut does something else. */
const longestCommand = 1_000;

/** Of an entry behind which Redis takes a question: two numbers of 64 bits, and not both 0. */
const entryId = /^(?!0+-0+$)\d{1,19}-\d{1,19}$/;

export function createActivityLog(redis: Redis, keys: RedisKeys): ActivityLog {
  return {
    async write({ command, ...entry }) {
      const short = {
        ...entry,
        who: entry.who.slice(0, longestText),
        words: entry.words.slice(0, longestText),
        ...(entry.reason !== undefined && { reason: entry.reason.slice(0, longestText) }),
        ...(command !== undefined && command.length <= longestCommand && { command }),
      };
      await redis.xadd(keys.activity, "MAXLEN", "~", keptEntries, "*", "entry", JSON.stringify(short));
    },

    async read({ count, before, ...question }) {
      const entries: ActivityEntry[] = [];
      let end = before !== undefined && entryId.test(before) ? `(${before}` : "+";
      for (;;) {
        const page = await redis.xrevrange(keys.activity, end, "-", "COUNT", pageSize);
        for (const [id, fields] of page) {
          const entry = parseEntry(id, fields[1] ?? "");
          if (entry && isAsked(entry, question)) entries.push(entry);
          if (entries.length === count) return { entries, before: id };
        }
        const last = page.at(-1)?.[0];
        if (last === undefined || page.length < pageSize) return { entries };
        end = `(${last}`;
      }
    },
  };
}

function isAsked(entry: ActivityEntry, { who, tenant, what, mailbox }: Omit<ActivityQuestion, "count" | "before">): boolean {
  if (who !== "both" && entry.by !== who) return false;
  if (tenant !== undefined && entry.tenant !== tenant) return false;
  if (mailbox !== undefined && `${entry.tenant ?? ""}/${entry.mailbox ?? ""}` !== mailbox) return false;
  return what === undefined || entry.verb === what;
}

/** Undefined for what no version of ours wrote. */
function parseEntry(id: string, text: string): ActivityEntry | undefined {
  try {
    const entry = JSON.parse(text) as NewActivity;
    if (typeof entry.who !== "string" || typeof entry.words !== "string" || typeof entry.count !== "number") return undefined;
    return { ...entry, id, at: Number(id.split("-", 1)[0]) };
  } catch {
    return undefined;
  }
}
