import {
  describeLane,
  fleetSentence,
  type FleetView,
  type IdleLane,
  type IntakeWords,
  stateOf,
  unservedLanes,
  viewFleet,
} from "@mailfleet/core";
import {
  type CauseItem,
  countAges,
  type FleetPatch,
  type FleetSummary,
  type MailboxRow,
  rowNews,
  type RowNews,
  stateEndsAt,
} from "@mailfleet/core/console";
import type { FleetNews, WatchedMailbox } from "@mailfleet/store";
import { causeItem, membersOf } from "./cause-items.ts";
import { differingMembers, hasEnded, isQuick } from "./differences.ts";
import { HandOffRates } from "./hand-off-rates.ts";

/** A patch names at most so many rows; above that lists are loaded anew. About 10 kB. */
const mostNews = 400;
/** The slow members of the summary are told this often. */
const slowMs = 5_000;
/** While nothing is told of any mailbox only ages grow, which are shown in minutes: they are counted anew this often. */
const agesMs = 10_000;
/** And everything is gone through this often: a cause that lasts for hours becomes somebody's to look at. Behind a lane that nobody serves it is as often as ages. */
const quietMs = 60_000;

export interface FleetMemoryOptions {
  readonly freshWithinMs: number;
  /** What printed commands need besides. */
  readonly options: string;
}

interface Kept {
  mailbox: WatchedMailbox;
  row: MailboxRow;
}

/** What is asked of other keys than the mailboxes', and read more rarely. */
export interface FleetSide {
  readonly intake?: IntakeWords;
  /** Dead letters of the queue. */
  readonly failed: number;
  /** Epoch ms when the newest of them failed. */
  readonly newestLetterAt?: number;
  /** Epoch ms at which each tenant's credential ends, where that is known. */
  readonly expiresAt: ReadonlyMap<string, number>;
  readonly idle?: readonly IdleLane[];
}

/**
 * All mailboxes' facts, about 1 kB each with row and cause, and what follows from them. News come in by `take`; `settle` makes of them, and
 * of the time that went by, what pages show, and a patch for those that are open.
 */
export class FleetMemory {
  readonly #options: FleetMemoryOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #byRow = new Map<number, Kept>();
  readonly #rates = new HandOffRates();
  readonly #touched = new Set<string>();
  #gone: number[] = [];
  #isMore = false;
  #isSideNew = false;
  /** What the side said last, as text. */
  #sideText = "";
  #rows = 0;
  #revision = 0;
  #side: FleetSide = { failed: 0, expiresAt: new Map() };
  #view: FleetView;
  #causes: readonly CauseItem[] = [];
  #members: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  #summary: FleetSummary;
  /** What the patches so far have told. */
  #told: FleetSummary;
  #toldSlowAt = 0;
  /**
   * Epoch ms. If nothing is told before, nothing that is shown differs before: no mailbox becomes late, no wait ends, and nothing slow is
   * left to tell.
   */
  #quietUntil = 0;
  #agesAt = 0;
  #statesRevision = 0;

  constructor(options: FleetMemoryOptions) {
    this.#options = options;
    this.#view = viewFleet([], 0, options.freshWithinMs);
    this.#summary = this.#summarize(0);
    this.#told = this.#summary;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Another number after any mailbox's state changed, and after one came or left. */
  get statesRevision(): number {
    return this.#statesRevision;
  }

  get summary(): FleetSummary {
    return this.#summary;
  }

  get causes(): readonly CauseItem[] {
    return this.#causes;
  }

  get view(): FleetView {
    return this.#view;
  }

  get rates(): HandOffRates {
    return this.#rates;
  }

  *rows(): Generator<MailboxRow> {
    for (const { row } of this.#kept.values()) yield row;
  }

  *mailboxes(): Generator<WatchedMailbox> {
    for (const { mailbox } of this.#kept.values()) yield mailbox;
  }

  /** Ids with mailbox and row. */
  entries(): IterableIterator<[string, { readonly mailbox: WatchedMailbox; readonly row: MailboxRow }]> {
    return this.#kept.entries();
  }

  row(number: number): MailboxRow | undefined {
    return this.#byRow.get(number)?.row;
  }

  /** @param id `tenant/address` */
  find(id: string): { readonly mailbox: WatchedMailbox; readonly row: MailboxRow } | undefined {
    return this.#kept.get(id);
  }

  /** The group that a cause's id names, with all its mailboxes' ids. */
  cause(id: string): { readonly cause: CauseItem; readonly members: ReadonlySet<string> } | undefined {
    const cause = this.#causes.find((one) => one.id === id);
    return cause && { cause, members: this.#members.get(id) ?? new Set() };
  }

  take(news: FleetNews): void {
    for (const id of news.gone) {
      const kept = this.#kept.get(id);
      if (kept === undefined) continue;
      this.#kept.delete(id);
      this.#byRow.delete(kept.row.row);
      this.#gone.push(kept.row.row);
    }
    for (const mailbox of news.changed) {
      this.#touched.add(mailbox.id);
      const before = this.#kept.get(mailbox.id);
      if (before) {
        this.#rates.count(before.mailbox, mailbox);
        // Its old row stays until `settle`, which compares.
        before.mailbox = mailbox;
        continue;
      }
      this.#isMore = true;
      const kept: Kept = { mailbox, row: this.#toRow(mailbox, this.#rows++, news.at, undefined) };
      this.#kept.set(mailbox.id, kept);
      this.#byRow.set(kept.row.row, kept);
    }
  }

  noteSide(side: FleetSide): void {
    const text = JSON.stringify([side.intake, side.failed, side.newestLetterAt, [...side.expiresAt], side.idle]);
    if (text === this.#sideText) return;
    this.#sideText = text;
    this.#isSideNew = true;
    this.#side = side;
  }

  /** Undefined where nothing differs from the patch before. @param at epoch ms by Redis' clock */
  settle(at: number): FleetPatch | undefined {
    if (this.#isQuiet && at < this.#quietUntil) return at < this.#agesAt + agesMs ? undefined : this.#countAges(at);
    this.#isSideNew = false;
    this.#rates.settle(at);
    this.#regroup(at);
    const news: RowNews[] = [];
    const stale: number[] = [];
    const question = { now: at, freshWithinMs: this.#options.freshWithinMs };
    let nextEnd = Number.POSITIVE_INFINITY;
    for (const [id, kept] of this.#kept) {
      const causeId = this.#causeIdOf(kept.mailbox);
      const state = this.#stateOf(kept.mailbox, at);
      nextEnd = Math.min(nextEnd, stateEndsAt(kept.mailbox, question));
      if (!this.#touched.has(id) && state === kept.row.state && causeId === kept.row.causeId) continue;
      const row = this.#toRow(kept.mailbox, kept.row.row, at, causeId);
      if (isQuick(kept.row, row)) news.push(rowNews(row, at));
      else if (JSON.stringify(kept.row) !== JSON.stringify(row)) stale.push(row.row);
      if (row.state !== kept.row.state) this.#statesRevision += 1;
      kept.row = row;
    }
    if (this.#isMore || this.#gone.length > 0) this.#statesRevision += 1;
    this.#summary = this.#summarize(at);
    this.#agesAt = at;
    const isSlowTime = at - this.#toldSlowAt >= slowMs;
    if (isSlowTime) this.#toldSlowAt = at;
    const lookAgainMs = this.#side.idle?.length ? agesMs : quietMs;
    this.#quietUntil = Math.min(nextEnd, isSlowTime ? at + lookAgainMs : this.#toldSlowAt + slowMs);
    const summary = differingMembers(this.#told, this.#summary, isSlowTime);
    const isOver = hasEnded(this.#told, this.#summary);
    this.#told = isOver ? this.#summary : { ...this.#told, ...summary };
    const isMore = this.#isMore || isOver || news.length + stale.length > mostNews;
    const gone = this.#gone;
    this.#touched.clear();
    this.#gone = [];
    this.#isMore = false;
    if (news.length + stale.length + gone.length + Object.keys(summary).length === 0 && !isMore) return undefined;
    return this.#patch(at, { summary, rows: isMore ? [] : news, stale: isMore ? [] : stale, gone, isMore });
  }

  #countAges(at: number): FleetPatch | undefined {
    this.#agesAt = at;
    const ages = countAges(this.mailboxes(), at);
    if (ages.join() === this.#told.ages.join()) return undefined;
    this.#summary = { ...this.#summary, ages };
    this.#told = { ...this.#told, ages };
    return this.#patch(at, { summary: { ages }, rows: [], stale: [], gone: [], isMore: false });
  }

  #patch(at: number, news: Omit<FleetPatch, "at" | "from" | "revision">): FleetPatch {
    const from = this.#revision++;
    return { at, from, revision: this.#revision, ...news };
  }

  /** Nothing was told since the last settling, and the rates of what was handed off have come to rest. */
  get #isQuiet(): boolean {
    return this.#touched.size === 0 && this.#gone.length === 0 && !this.#isMore && !this.#isSideNew && this.#rates.isStill;
  }

  #regroup(at: number): void {
    const { options, freshWithinMs } = this.#options;
    const { intake, idle = [] } = this.#side;
    const lanes = unservedLanes(idle, () => this.mailboxes(), at).map((one) => describeLane(one, at, options));
    this.#view = viewFleet(this.mailboxes(), at, freshWithinMs, { intake, lanes });
    this.#causes = this.#view.causes.map((group) => causeItem(group, options));
    this.#members = membersOf(this.mailboxes(), this.#view.causes);
  }

  #causeIdOf({ cause, parkedBy, tenant }: WatchedMailbox): string | undefined {
    if (cause === undefined || parkedBy !== undefined) return undefined;
    return this.#view.causes.find((group) => group.code === cause.code && (group.tenant ?? tenant) === tenant)?.id;
  }

  #stateOf(mailbox: WatchedMailbox, at: number): MailboxRow["state"] {
    return stateOf(mailbox, { now: at, factsAt: at, freshWithinMs: this.#options.freshWithinMs });
  }

  #toRow(mailbox: WatchedMailbox, row: number, at: number, causeId: string | undefined): MailboxRow {
    const { tenant, address, protocol, checkedAt, nextAt, cause, parkedBy, isSyncing, hasHistory, ledger, addedAt, isPushed } = mailbox;
    const changedAt = Math.max(addedAt ?? 0, cause?.since ?? 0, parkedBy?.at ?? 0);
    return {
      row,
      tenant,
      address,
      protocol,
      mode: isPushed ? "push" : "poll",
      state: this.#stateOf(mailbox, at),
      isSyncing,
      hasHistory,
      ...(checkedAt !== undefined && { checkedAt }),
      ...(nextAt !== undefined && { nextAt }),
      ...(cause && { cause }),
      ...(causeId !== undefined && { causeId }),
      ...(parkedBy && { parkedBy }),
      ...(changedAt > 0 && { changedAt }),
      ledger,
    };
  }

  #summarize(at: number): FleetSummary {
    const view = this.#view;
    const { intake, failed, newestLetterAt = 0, expiresAt } = this.#side;
    return {
      sentence: fleetSentence(view),
      mailboxes: view.mailboxes,
      states: view.states,
      ledger: view.ledger,
      ...(view.oldestCheck !== undefined && { oldestCheck: view.oldestCheck }),
      messagesPerSecond: this.#rates.perSecond(),
      deadLetters: failed + view.ledger.quarantined,
      newestLetterAt,
      causes: this.#causes,
      tenants: view.tenants.map((tenant) => {
        const ends = expiresAt.get(tenant.alias);
        return { ...tenant, messagesPerSecond: this.#rates.perSecond(tenant.alias), ...(ends !== undefined && { expiresAt: ends }) };
      }),
      ages: countAges(this.mailboxes(), at),
      ...(intake && { intake: withOptions(intake, this.#options.options) }),
      lanes: view.lanes,
    };
  }
}

function withOptions(intake: IntakeWords, options: string): IntakeWords {
  return intake.command === undefined ? intake : { ...intake, command: `${intake.command}${options}` };
}
