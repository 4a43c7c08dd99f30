import { limits } from "./limits.ts";
import type { Pace } from "./pace.ts";

/** What one command took, as far as it was the server that took it. */
export interface Answer {
  /** `look` is a STATUS: they are alike. `fetch` brought messages. What `other` commands take differs too much to be compared. */
  readonly kind: "look" | "fetch" | "other";
  /** Until the answer began: of a `fetch` until its first message was there; of any other until it was answered. */
  readonly firstMs: number;
  /** Of a `fetch`, what the messages after the first took together. */
  readonly restMs: number;
  /** Of a `fetch`. */
  readonly messages: number;
  /** Epoch ms of its end. */
  readonly at: number;
}

/** What is known of a server's speed in one session. */
export interface PaceState {
  /** Undefined where nothing showed yet: no pauses. */
  readonly learned: Pick<Pace, "duty" | "ceiling" | "since" | "sign"> | undefined;
  /** Server ms spent since the last sign, or since the session began. */
  readonly spentMs: number;
  /** Epoch ms of that. */
  readonly countedFrom: number;
  readonly lookMs: number;
  readonly firstMs: number;
  readonly messageMs: number;
  /** Answers with messages, up to the few that are needed before the usual is known. */
  readonly known: number;
  /** How much the last few answers were above the usual, oldest first. */
  readonly recent: readonly number[];
  /** What the server added to the last answer, ms. */
  readonly delayMs: number;
  /** Undefined while answers are as quick as usual. */
  readonly slow: SlowTime | undefined;
  /** Epoch ms: not before this is the next command due. */
  readonly freeAt: number;
}

/** A time in which answers are slow, looked at in stretches of a few seconds. */
interface SlowTime {
  /** Epoch ms. */
  readonly from: number;
  readonly spentMs: number;
  /** How much answers were above the usual, and how many. */
  readonly excess: number;
  readonly answers: number;
  /** The same of the stretch before, on average. */
  readonly before: number | undefined;
}

/** An answer that takes this much more than usual, relative to it, is slow; once it was slow, half of it still is. */
const slowExcess = 2;
/** And so many ms more: below that it is the network, or this process. */
const slowFloorMs = 100;
/** The first answers may suffer from whatever begins at the same time: of so many the quickest counts. */
const knownAnswers = 5;
/** Slow ones among the last few make a sign. */
const fewAnswers = 3;
const slowAnswers = 2;
/** Of a batch, after one slow answer. */
const waryShare = 0.25;
/** A stretch of slow time: long enough that a trend shows. */
const stretchMs = 3_000;
const stretchAnswers = 3;
/** What is left of the speed that was too much, when nothing is known of what is granted. */
const cutShare = 0.25;
const againShare = 0.7;
const hintShare = 0.5;
/** Of what is granted, where that is known. */
const holdShare = 0.95;
/** Slower than in the stretch before by more than chance. */
const rising = 1.05;
/** In one stretch the speed changes by this much at most. */
const mostFall = 0.5;
const mostRise = 1.4;
/** Against a trend it moves by this power of it; where nothing changes it rises: a server that is only slow is found out in some minutes. */
const followed = { power: 2, probe: 1.015 };
/**
 * While waits are shorter than this the account is far from empty, and what it keeps holding is never read: then the speed gives way less,
 * and rises sooner. In simulation every 100 ms more cost some servers a refusal.
 */
const lightMs = 600;
const followedLightly = { power: 0.5, probe: 1.1 };
/** At one sign it falls to this much at most, before it is cut. */
const mostFallOfSign = 0.25;
/**
 * Calm time doubles the speed in so long, up to what was too much: meanwhile the account fills. Beyond that it grows by its whole in this
 * time, and after a refusal in that: it costs a wait of minutes.
 */
const doubleMs = 10_000;
const growMs = 90_000;
const hintGrowMs = 15 * 60_000;
/** A mailbox gets this much at least: 1 ms of the server in a second. */
const leastDuty = 0.001;
/** Time that was left unused may be used up to this much: the time in which we store what came. */
const creditMs = 1_000;
/** Messages of the first batch, as long as it is not known how long one takes. */
const firstBatch = 25;
/** An average over less than this says nothing. */
const averageMs = 10_000;
const leastSpentMs = 1_000;
/** What is older says nothing about today's server. */
const forgetMs = 24 * 3_600_000;

/** @param now epoch ms */
export function beginPace(stored: Pace | undefined, now: number): PaceState {
  // The time of a hint lies ahead; what lies further ahead was written by another clock.
  const isFresh = stored !== undefined && now - stored.since < forgetMs && stored.since - now <= limits.hintMaxMs;
  const kept = isFresh ? stored : undefined;
  return {
    learned: kept && { duty: kept.duty, ceiling: kept.ceiling, since: kept.since, sign: kept.sign },
    spentMs: kept?.spentMs ?? 0,
    countedFrom: kept ? Math.min(kept.countedFrom, now) : now,
    lookMs: kept?.lookMs ?? 0,
    firstMs: kept?.firstMs ?? 0,
    messageMs: kept?.messageMs ?? 0,
    known: kept && kept.messageMs > 0 ? knownAnswers : 0,
    recent: [],
    delayMs: 0,
    slow: undefined,
    freeAt: now,
  };
}

/** What is worth keeping with the mailbox; undefined when the server never showed a limit, or not for long. */
export function paceToKeep(state: PaceState, now: number): Pace | undefined {
  const { learned, spentMs, countedFrom, lookMs, firstMs, messageMs } = state;
  if (!learned || dutyAt(state, now) >= 1) return undefined;
  return { ...learned, spentMs, countedFrom, lookMs, firstMs, messageMs };
}

/** The share of the wall clock that the server may spend now. */
export function dutyAt({ learned, slow }: PaceState, now: number): number {
  if (!learned) return 1;
  const { duty, ceiling, since, sign } = learned;
  if (slow) return duty;
  const passed = Math.max(0, now - since);
  if (sign === "hint") return Math.min(1, duty + (ceiling * passed) / hintGrowMs);
  // Soon back to what was too much, then slowly beyond it.
  const backMs = duty < ceiling ? Math.log2(ceiling / duty) * doubleMs : 0;
  if (passed < backMs) return duty * 2 ** (passed / doubleMs);
  return Math.min(1, Math.max(duty, ceiling) + (ceiling * (passed - backMs)) / growMs);
}

/** How many messages of a batch are fetched at once, so that a change shows soon and the pause after it stays short. */
export function batchAt(state: PaceState, now: number): number {
  const { messageMs, lookMs, recent, slow } = state;
  if (messageMs <= 0) return firstBatch;
  // One slow answer may be chance. The next one tells, and it should do so soon.
  const isWary = !slow && (recent.at(-1) ?? 0) > slowExcess;
  const fitting = (limits.paceBatchMs * dutyAt(state, now) * (isWary ? waryShare : 1)) / messageMs;
  // What a command costs by itself, as a STATUS does, is a twentieth at most.
  const worthwhile = (20 * lookMs) / messageMs;
  return Math.max(1, Math.min(limits.batchMessages, Math.round(Math.max(fitting, worthwhile))));
}

/** How long the next command waits, ms; 0 for a server that never slowed. */
export function pauseAt({ freeAt, learned }: PaceState, now: number): number {
  return learned ? Math.max(0, freeAt - now) : 0;
}

/** Takes in what one command took. */
export function answered(state: PaceState, answer: Answer): PaceState {
  const { at } = answer;
  const tookMs = answer.firstMs + answer.restMs;
  const usual = state.slow ? state : usualTimes(state, answer);
  const seen = compare(usual, answer);
  const recent = seen ? [...state.recent, seen.excess].slice(-fewAnswers) : state.recent;
  // A wait that the server adds is not work that it counts. What it added to the last answer that can be compared, it adds to any.
  const isDelayed = seen !== undefined && seen.excess > slowExcess / 2;
  const delayMs = seen ? (isDelayed ? Math.max(0, answer.firstMs - seen.usualFirstMs) : 0) : state.delayMs;
  const workMs = isDelayed ? Math.min(tookMs, seen.usualMs) : seen ? tookMs : Math.max(0, tookMs - delayMs);
  const { lookMs, firstMs, messageMs } = usual;
  const known = answer.messages > 0 ? Math.min(knownAnswers, state.known + 1) : state.known;
  const slow = state.slow && { ...state.slow, spentMs: state.slow.spentMs + workMs };
  const next = { ...state, slow, known, lookMs, firstMs, messageMs, recent, delayMs, spentMs: state.spentMs + workMs };
  const judged = seen ? judge(next, answer.kind === "fetch" ? seen.excess : undefined, at) : next;
  const freeAt = Math.max(state.freeAt, at - tookMs - creditMs) + workMs / dutyAt(judged, at);
  return { ...judged, freeAt: judged.learned ? freeAt : at };
}

/** Takes in that a command was refused because of the limit. @param hintMs the wait that the server wants */
export function refused(state: PaceState, hintMs: number, now: number): PaceState {
  const isRound = state.learned?.sign === "hint";
  const ceiling = grantedShare(state, isRound, now);
  const duty = clampDuty(ceiling * (isRound ? holdShare : hintShare));
  // Who slows first will slow again before he refuses: what was refilled during the wait can be spent soon.
  const slowsFirst = state.learned?.sign === "slow" || (state.recent.at(-1) ?? 0) > slowExcess;
  // The wait itself is calm time that says nothing.
  const learned = { duty, ceiling, since: now + hintMs, sign: slowsFirst ? "slow" : "hint" } as const;
  return begin({ ...state, slow: undefined, recent: [] }, learned, now);
}

/**
 * What the server seems to grant, at a sign. Between two signs of a kind its count went away and came back: what was spent in between is
 * what it refilled, or less where the mailbox had nothing to do. So one sign lowers the speed to a quarter at most.
 * @param isRound the sign before was of the same kind
 */
function grantedShare(state: PaceState, isRound: boolean, now: number): number {
  const { learned, spentMs, countedFrom } = state;
  const duty = dutyAt(state, now);
  const passed = now - countedFrom;
  const isTold = learned ? isRound && passed >= averageMs : spentMs >= leastSpentMs;
  return isTold ? Math.min(duty, Math.max(spentMs / Math.max(1, passed), duty * mostFallOfSign)) : duty;
}

/** @param excess of a FETCH: other answers are slower by another factor, and would look like a trend */
function judge(state: PaceState, excess: number | undefined, now: number): PaceState {
  const { slow, recent } = state;
  if (!slow) {
    const isSlow = recent.filter((one) => one > slowExcess).length >= slowAnswers;
    return isSlow ? becomeSlow(state, excess, now) : becomeFree(state, now);
  }
  if (recent.every((one) => one <= slowExcess / 2)) return becomeCalm(state, now);
  if (excess === undefined) return state;
  const grown = { ...slow, excess: slow.excess + excess, answers: slow.answers + 1 };
  const isWhole = now - grown.from >= stretchMs && grown.answers >= stretchAnswers;
  return isWhole ? followTrend(state, grown, now) : { ...state, slow: grown };
}

/** Speed falls at once: what comes next on this server is a refusal. */
function becomeSlow(state: PaceState, excess: number | undefined, now: number): PaceState {
  const { learned } = state;
  const isRound = learned?.sign === "slow";
  const ceiling = grantedShare(state, isRound, now);
  // The wait leapt up within a batch or two: the less is left, the more of it is for what comes back.
  const depth = Math.min(1, lightMs / Math.max(1, state.delayMs));
  const duty = clampDuty(ceiling * (isRound ? holdShare : learned ? againShare : cutShare * depth));
  const slow = { from: now, spentMs: 0, excess: 0, answers: 0, before: excess };
  return begin({ ...state, slow }, { duty, ceiling, since: now, sign: "slow" }, now);
}

/**
 * How slow a server is shows how far its count is down. Slower than before: more is spent than it refills; quicker: less. What was spent
 * in a stretch tells how much that is.
 */
function followTrend(state: PaceState, { from, spentMs, excess, answers, before }: SlowTime, now: number): PaceState {
  const average = excess / answers;
  const slow = { from: now, spentMs: 0, excess: 0, answers: 0, before: average };
  const learned = state.learned as NonNullable<PaceState["learned"]>;
  const spent = spentMs / Math.max(1, now - from);
  // The first stretch may begin with the looks that showed it, and with nothing to compare.
  const trend = before !== undefined && before > 0 && average > 0 ? average / before : 1;
  const base = trend > rising ? Math.min(learned.duty, spent) : learned.duty;
  const { power, probe } = state.delayMs < lightMs ? followedLightly : followed;
  const duty = clampDuty(base * Math.min(mostRise, Math.max(mostFall, probe * trend ** -power)));
  // As slow as ever at full speed: that is what this server takes.
  if (duty >= 1) return { ...state, slow: undefined, recent: [], lookMs: 0, firstMs: 0, messageMs: 0, learned: undefined };
  return {
    ...state,
    slow,
    learned: { ...learned, duty, ceiling: trend > rising ? Math.max(duty, base) : Math.max(duty, learned.ceiling), since: now },
  };
}

function becomeCalm(state: PaceState, now: number): PaceState {
  const learned = state.learned as NonNullable<PaceState["learned"]>;
  return { ...state, slow: undefined, recent: [], learned: { ...learned, since: now } };
}

function begin(state: PaceState, learned: NonNullable<PaceState["learned"]>, now: number): PaceState {
  return { ...state, learned, spentMs: 0, countedFrom: now };
}

function becomeFree(state: PaceState, now: number): PaceState {
  return dutyAt(state, now) >= 1 ? { ...state, learned: undefined } : state;
}

/** How much an answer is above the usual, relative to it; undefined where that cannot be said. */
function compare(
  usual: UsualTimes,
  { kind, firstMs, restMs, messages }: Answer,
): { excess: number; usualFirstMs: number; usualMs: number } | undefined {
  switch (kind) {
    case "other":
      return undefined;
    case "look":
      return { excess: excessOf(firstMs, usual.lookMs), usualFirstMs: usual.lookMs, usualMs: usual.lookMs };
    case "fetch": {
      if (messages === 0) return undefined;
      const usualRestMs = usual.messageMs * (messages - 1);
      // A server delays a command as a whole, or each message of it.
      const excess = Math.max(excessOf(firstMs, usual.firstMs), messages > 1 ? excessOf(restMs, usualRestMs) : 0);
      return { excess, usualFirstMs: usual.firstMs, usualMs: usual.messageMs * messages };
    }
  }
}

function excessOf(tookMs: number, usualMs: number): number {
  return tookMs - usualMs < slowFloorMs ? 0 : tookMs / usualMs - 1;
}

type UsualTimes = Pick<PaceState, "lookMs" | "firstMs" | "messageMs" | "known">;

function usualTimes({ lookMs, firstMs: usualFirstMs, messageMs, known }: UsualTimes, answer: Answer): UsualTimes {
  const { kind, firstMs, restMs, messages } = answer;
  const isFirst = known < knownAnswers;
  const isFetch = kind === "fetch" && messages > 0;
  return {
    known,
    lookMs: kind === "look" ? usualAfter(lookMs, firstMs, isFirst) : lookMs,
    firstMs: isFetch ? usualAfter(usualFirstMs, firstMs, isFirst) : usualFirstMs,
    // What is read ahead makes the first one late and the others early: only together they tell.
    messageMs: isFetch ? usualAfter(messageMs, (firstMs + restMs) / messages, isFirst) : messageMs,
  };
}

/** Follows the times of a server that does not delay: quicker answers count more than slower ones, and none by how far it is off. */
function usualAfter(usual: number, took: number, isFirst: boolean): number {
  const least = Math.max(took, 0.1);
  if (usual === 0) return least;
  if (took < usual) return isFirst ? least : Math.max(least, usual * 0.9);
  return Math.min(least, usual * 1.03);
}

function clampDuty(duty: number): number {
  return Math.min(1, Math.max(leastDuty, Number.isFinite(duty) ? duty : leastDuty));
}
