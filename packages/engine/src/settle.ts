import {
  type Cause,
  decideRetry,
  type Failure,
  type Lane,
  learnRhythm,
  limits,
  type Listing,
  mailboxId,
  type MailboxRef,
  type MailboxState,
  type MailEvent,
  nextPollMs,
  parkedEvent,
  phaseOf,
  resumedEvent,
  type Settlement,
  toldParking,
  type ToldParking,
} from "@mailfleet/core";
import type { SyncSettings } from "./ports.ts";

/** How a session ended, as far as the next one is concerned. */
export type Ending =
  /** All folders compared, everything new handed off; history may be left. */
  | { readonly kind: "complete"; readonly hasHistory: boolean; readonly listing?: Listing }
  /** Some folders were refused, the others are as in `complete`. */
  | { readonly kind: "partial"; readonly failure: Failure; readonly hasHistory: boolean }
  /** The worker drains, the token ran out, or the server wants a pause: go on at once or after it, nobody is to blame. */
  | { readonly kind: "cut-short"; readonly hasHistory: boolean; readonly dueInMs?: number }
  | { readonly kind: "failed"; readonly failure: Failure; readonly hasHistory: boolean }
  /** It is not the mailbox's trouble but its tenant's, which is kept with the tenant. */
  | { readonly kind: "held"; readonly failure: Failure; readonly hasHistory: boolean };

export interface SettleQuestion {
  readonly mailbox: MailboxRef;
  readonly lane: Lane;
  readonly settings: SyncSettings;
  readonly state: MailboxState;
  readonly ending: Ending;
  readonly isOpened: boolean;
  /** New messages that were found, history not counted. */
  readonly arrived: number;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly now: number;
  readonly random: number;
}

/** What a session leaves behind: when to look again, why the mailbox stands still, and who is told. Pure. */
export function settlementOf(question: SettleQuestion): Settlement {
  const { ending, state, now } = question;
  const opened = question.isOpened || state.opened;
  const history = ending.hasHistory;
  switch (ending.kind) {
    case "complete": {
      const poll = nextPoll(question);
      return {
        checked: true,
        opened,
        ...poll,
        ...(history && { backfillDueInMs: 0 }),
        ...(ending.listing && { listing: ending.listing }),
        events: resumedEvents(question),
      };
    }
    case "cut-short":
      return {
        checked: false,
        opened,
        freshDueInMs: ending.dueInMs ?? 0,
        ...(history && { backfillDueInMs: ending.dueInMs ?? 0 }),
        ...(state.cause && { cause: state.cause }),
        events: [],
      };
    case "held":
      return {
        checked: false,
        opened,
        // Nobody is taken of a held tenant; when it goes on, this one is as late as the others.
        freshDueInMs: 0,
        ...(history && { backfillDueInMs: 0 }),
        ...(state.cause && { cause: state.cause }),
        ...(state.pace && { pace: state.pace }),
        events: [],
      };
    case "partial": {
      const cause = causeOf(question, ending.failure, opened);
      // The folders that answer go on as ever; the cause says which does not.
      const poll = nextPoll(question);
      return {
        checked: false,
        opened,
        ...poll,
        ...(history && { backfillDueInMs: 0 }),
        cause: { ...cause, state: "waiting", nextAt: now + poll.freshDueInMs },
        events: resumedEvents(question),
      };
    }
    case "failed": {
      const cause = causeOf(question, ending.failure, opened);
      const inMs = cause.nextAt - now;
      const told = toldParking(state.cause);
      const isNewlyParked = cause.state === "parked" && told === undefined;
      return {
        checked: false,
        opened,
        freshDueInMs: inMs,
        // Behind the fresh lane, whose look decides whether the mailbox is well again.
        ...(history && { backfillDueInMs: inMs + limits.leaseRenewMs }),
        // Another trouble in between must not make consumers wait for a mailbox that goes on.
        cause: told && !isSameParking(cause, told) ? { ...cause, told } : cause,
        events: isNewlyParked ? [parkedEvent({ mailbox: question.mailbox, lane: question.lane, cause, now })] : [],
      };
    }
  }
}

function isSameParking(cause: Cause, told: ToldParking): boolean {
  return cause.state === "parked" && cause.code === told.code && cause.since === told.since;
}

function resumedEvents(question: SettleQuestion): MailEvent[] {
  const told = toldParking(question.state.cause);
  const { mailbox, lane, now } = question;
  return told ? [resumedEvent({ mailbox, lane, told, now })] : [];
}

function causeOf({ state, now, random }: SettleQuestion, failure: Failure, opened: boolean): Cause {
  const before = state.cause?.code === failure.code ? state.cause : undefined;
  const since = before?.since ?? now;
  const tries = (before?.tries ?? 0) + 1;
  const decision = decideRetry({ code: failure.code, facts: failure.facts, tries, since, now, opened, random });
  return {
    code: failure.code,
    scope: failure.scope,
    text: failure.facts.text ?? failure.message,
    since,
    tries,
    nextAt: now + decision.inMs,
    state: decision.state,
  };
}

/** When mail comes to the mailbox, as this poll showed, and when the next one is. */
function nextPoll(question: SettleQuestion): Pick<Settlement, "freshDueInMs" | "rhythm"> {
  const { mailbox, settings, state, arrived, startedAt, now, random } = question;
  const rhythm = learnRhythm(state.rhythm, arrived, settings.pollMs, now);
  const freshDueInMs = nextPollMs({
    settings,
    rhythm,
    isPushed: state.isPushed === true,
    lateMs: state.nextAt === undefined ? Number.POSITIVE_INFINITY : startedAt - state.nextAt,
    now,
    phase: phaseOf(mailboxId(mailbox)),
    random,
  });
  return { freshDueInMs, ...(rhythm !== state.rhythm && { rhythm }) };
}
