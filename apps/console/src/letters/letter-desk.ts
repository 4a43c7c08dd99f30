import {
  type Clock,
  type LetterCause,
  type LetterFacts,
  LetterGroups,
  type MailEvent,
  normaliseError,
  parseMessageKey,
  shortCauseId,
} from "@mailfleet/core";
import type { LetterCauseItem, LetterItem } from "@mailfleet/core/console";
import type { DeadLetters } from "@mailfleet/queue";

/** A letter as it was when it was listed: what a ticket acts on. */
export interface ListedLetter {
  readonly kind: "job" | "message";
  readonly id: string;
  /** Epoch ms; 0 where it is not known. */
  readonly failedAt: number;
  /** Full id of its cause. */
  readonly cause: string;
}

export interface LetterSnapshot {
  readonly at: number;
  readonly letters: number;
  /** When the newest of the queue's own failed, epoch ms. */
  readonly newestAt: number;
  readonly causes: readonly LetterCauseItem[];
  readonly listed: readonly ListedLetter[];
}

export interface LetterDeskOptions {
  readonly clock: Clock;
  /** Epoch ms by Redis' clock. */
  readonly now: () => number;
  readonly jobs: DeadLetters;
  /** Everything that failed up to a time: letters of the queue, then messages that were set aside. */
  readonly all: (upTo: number) => AsyncIterable<LetterFacts & Pick<ListedLetter, "kind" | "id">>;
  readonly scrub: (text: string) => string;
}

/** A list is believed for this long: reading all of them takes a second at 50,000. */
const believedMs = 5_000;
/** A cause that had a letter this lately may still be failing. */
const stillFailingMs = 10 * 60_000;
const openedLetters = 100;

/** Dead letters by cause. The list that pages show is kept in memory, so that looking changes nothing of the one that the terminal acts on. */
export class LetterDesk {
  readonly #options: LetterDeskOptions;
  #snapshot: LetterSnapshot | undefined;
  #listedMs = Number.NEGATIVE_INFINITY;
  #listing: Promise<LetterSnapshot> | undefined;

  constructor(options: LetterDeskOptions) {
    this.#options = options;
  }

  /** @param isNew true: as they are now, not some seconds ago */
  async list(isNew = false): Promise<LetterSnapshot> {
    const { clock, jobs } = this.#options;
    const known = this.#snapshot;
    const isBelieved = known !== undefined && !isNew && clock.monotonic() - this.#listedMs < believedMs;
    if (isBelieved && (await jobs.newestAt()) === known.newestAt) return known;
    this.#listing ??= this.#read().finally(() => (this.#listing = undefined));
    return this.#listing;
  }

  /** The first letters of a cause, without content; undefined where the cause is gone. @param given as many digits as tell it from the others */
  async open(
    given: string,
  ): Promise<{ readonly causeId: string; readonly letters: readonly LetterItem[]; readonly total: number } | undefined> {
    const { causes, listed } = await this.list();
    const cause = findCause(causes, given);
    if (cause === undefined) return undefined;
    const letters = listed.filter((one) => one.cause === cause.fullId);
    const shown = await Promise.all(letters.slice(0, openedLetters).map((letter) => this.#item(letter)));
    return { causeId: cause.id, letters: shown.flatMap((one) => one ?? []), total: letters.length };
  }

  async #read(): Promise<LetterSnapshot> {
    const { all, clock, jobs, now } = this.#options;
    const at = now();
    const newestAt = await jobs.newestAt();
    const groups = new LetterGroups();
    const listed: ListedLetter[] = [];
    for await (const letter of all(at)) {
      listed.push({ kind: letter.kind, id: letter.id, failedAt: letter.failedAt ?? 0, cause: groups.add(letter) });
    }
    const causes = groups.list();
    const items = causes.map((cause) => causeItem(cause, causes, at));
    this.#snapshot = { at, letters: listed.length, newestAt, causes: items, listed };
    this.#listedMs = clock.monotonic();
    return this.#snapshot;
  }

  async #item({ kind, id, failedAt }: ListedLetter): Promise<LetterItem | undefined> {
    const place = placeOfKey(id);
    if (kind === "message") return { id, kind, ...place };
    const letter = await this.#options.jobs.read(id);
    if (letter === undefined) return undefined;
    const { event } = letter;
    return {
      id,
      kind,
      type: letter.type,
      ...(event ? placeOfEvent(event) : place),
      failedAt,
      tries: letter.tries,
      // Without what it quotes: a consumer's words may hold a subject or an address.
      lastError: normaliseError(this.#options.scrub(letter.reason)),
    };
  }
}

export function findCause<Cause extends LetterCause>(causes: readonly Cause[], given: string): Cause | undefined {
  const fits = causes.filter(({ fullId }) => given.length >= 4 && fullId.startsWith(given.toLowerCase()));
  return fits.length === 1 ? fits[0] : undefined;
}

function causeItem(cause: LetterCause, all: readonly LetterCause[], at: number): LetterCauseItem {
  const isStillFailing = cause.owner.kind === "consumer" && cause.latest !== undefined && at - cause.latest < stillFailingMs;
  return { ...cause, id: shortCauseId(cause.fullId, all), isStillFailing };
}

function placeOfKey(key: string): Partial<LetterItem> {
  const parsed = parseMessageKey(key);
  return parsed ? { tenant: parsed.tenant, mailbox: parsed.address, folder: parsed.folder, uid: parsed.uid } : {};
}

/** Where a message lies, how large it is and when it came: nothing that its sender wrote. */
function placeOfEvent(event: MailEvent): Partial<LetterItem> {
  const receivedAt = "internalDate" in event && event.internalDate !== undefined ? Date.parse(event.internalDate) : Number.NaN;
  return {
    tenant: event.tenant,
    mailbox: event.mailbox,
    ...("folder" in event && { folder: event.folder.path }),
    ...("uid" in event && event.uid !== undefined && { uid: event.uid }),
    ...("raw" in event && event.raw !== undefined && { bytes: event.raw.size }),
    ...(Number.isFinite(receivedAt) && { receivedAt }),
  };
}
