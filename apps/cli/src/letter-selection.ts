import { formatClock, type LetterCause, parseMessageKey, shortCauseId, stripControls } from "@mailfleet/core";
import { eventJobId } from "@mailfleet/queue";
import { CliError } from "./cli-error.ts";
import type { LetterList, ListedLetter } from "./letter-list.ts";
import type { LetterSource } from "./letter-source.ts";
import { readWhen } from "./when.ts";

/** What `replay` and `discard` act on: letters as they were when they were listed, page by page. */
export interface Selection {
  readonly pages: AsyncIterable<readonly ListedLetter[]>;
  readonly count: number;
  /** `1,207 letters of cause c7f2, as listed at 14:03:22` without the number. */
  readonly words: string;
  /** Short id, where it is one cause. */
  readonly cause?: string;
}

export interface SelectionOptions {
  readonly cause?: string;
  readonly all?: true;
  /** A moment: what had failed by then is listed anew, in place of the last list. */
  readonly asOf?: string;
}

/** @throws CliError 2 when it is not said which, or there is no such cause or letter */
export async function selectLetters(
  source: LetterSource,
  keys: readonly string[],
  options: SelectionOptions,
  now: number,
): Promise<Selection> {
  const ways = [keys.length > 0, options.cause !== undefined, options.all === true].filter(Boolean).length;
  if (ways !== 1) {
    const what = ways === 0 ? "It is not said which letters" : "Letters are named in more than one way";
    throw refusal(`${what}: give their keys, or --cause, or --all.`);
  }
  const asOf = momentOf(options.asOf, keys, now);
  if (keys.length > 0) return byKeys(source, keys);
  const last = asOf === undefined ? await source.lists.latest() : undefined;
  const list = last ?? (await source.freeze(() => undefined, asOf));
  const listed = `as listed at ${formatClock(list.at, { now, zone: "local", seconds: true })}`;
  if (options.all) return { pages: source.lists.read(list, undefined), count: list.letters, words: `of all causes, ${listed}` };
  const cause = findCause(list, options.cause ?? "");
  const id = shortCauseId(cause.fullId, list.causes);
  return { pages: source.lists.read(list, new Set([cause.fullId])), count: cause.letters, words: `of cause ${id}, ${listed}`, cause: id };
}

/** @throws CliError 2 */
function momentOf(given: string | undefined, keys: readonly string[], now: number): number | undefined {
  if (given === undefined) return undefined;
  if (keys.length > 0) throw refusal("Keys name letters as they are now: --as-of is for --cause and --all.");
  const at = readWhen(given, now);
  if (at !== undefined) return at;
  throw refusal(`--as-of is ${stripControls(given)}; expected a moment such as 1h or 2026-11-01T09:00:00Z.`);
}

async function byKeys(source: LetterSource, keys: readonly string[]): Promise<Selection> {
  const letters: ListedLetter[] = [];
  for (const key of keys) {
    const id = eventJobId(key);
    const job = await source.jobs.read(id);
    if (job !== undefined) letters.push({ kind: "job", id, failedAt: job.failedAt, cause: "" });
    else if (parseMessageKey(key) !== undefined) letters.push({ kind: "message", id: key, failedAt: 0, cause: "" });
    else throw refusal(`${stripControls(key)} is no dead letter: it was consumed, discarded, or waits again.`);
  }
  const pages = (async function* () {
    yield letters;
  })();
  return { pages, count: letters.length, words: "named by key" };
}

/** By as many digits as tell it from the others. @throws CliError 2 */
export function findCause({ causes }: LetterList, given: string): LetterCause {
  const fits = causes.filter(({ fullId }) => given.length >= 4 && fullId.startsWith(given.toLowerCase()));
  const [first] = fits;
  if (first !== undefined && fits.length === 1) return first;
  const what = fits.length > 1 ? `More than one cause begins with ${given}` : `No cause of the last list is called ${stripControls(given)}`;
  throw refusal(
    `${what}.`,
    `Its causes: ${
      causes
        .slice(0, 8)
        .map(({ fullId }) => shortCauseId(fullId, causes))
        .join(", ") || "none"
    }`,
  );
}

export function refusal(what: string, ...todo: readonly string[]): CliError {
  return new CliError(2, {
    code: "LETTERS",
    what,
    next: "Nothing was changed.",
    todo: [...todo, { say: "List them anew", run: "dead-letters list" }],
  });
}
