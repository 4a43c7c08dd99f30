import { limits } from "./limits.ts";

/** When mail comes to a mailbox, as far as its polls showed. */
export interface MailRhythm {
  /** Epoch ms: when new mail was found last; when the mailbox was looked at first, where none was yet. */
  readonly mailAt: number;
  /** Usual time between two messages, ms, at most `looksPerMessage` times the poll interval: what is longer is told by `mailAt`. */
  readonly gapMs: number;
}

export interface PollSettings {
  /** The interval of a mailbox that gets a message now and then. */
  readonly pollMs: number;
  /** Every mailbox is to be checked within this. */
  readonly freshWithinMs: number;
}

export interface PollQuestion {
  readonly settings: PollSettings;
  readonly rhythm: MailRhythm;
  /** Its server tells by IDLE when mail comes: the poll is there for what IDLE misses. */
  readonly isPushed: boolean;
  /** How much later than planned this poll began, ms; infinite for a mailbox that had no poll before. */
  readonly lateMs: number;
  /** Epoch ms. */
  readonly now: number;
  /** Of the mailbox, by {@link phaseOf}. */
  readonly phase: number;
  /** 0 <= x < 1, another one each time. */
  readonly random: number;
}

/** So many polls for each message that is expected. */
const looksPerMessage = 4;
/** Of `pollMs`, and never below what every cloud but one's own has as its floor. */
const shortestShare = 0.25;
const shortestMs = 10_000;
/** Of `pollMs`, and of the promise: the rest is for waiting in the queue and for the session. */
const longestFactor = 2;
const longestShare = 0.7;
/** Up to a tenth sooner or later: half of it the mailbox's own, so that those that are polled alike drift apart, half by chance. */
const spread = 0.1;
/** Later than this share of `pollMs`: the fleet is behind, and whoever waited together is not to come back together. */
const lateShare = 0.1;
/** How far they are dealt apart: half the interval either way, less where it is near the longest: that may be exceeded by a fifth. */
const lateSpread = 0.5;
const lateMostFactor = 1.2;
/** Of the longest: nobody begins later, so that those near it are dealt over 0.7 of it. The same for all, so that whoever has less mail is not sooner. */
const lateBeginShare = 0.5;

/** Bounds of the interval before it is spread, ms. The promise is stronger than `pollMs`, the floor of servers stronger than both. */
export function pollBounds({ pollMs, freshWithinMs }: PollSettings): {
  readonly shortest: number;
  readonly usual: number;
  readonly longest: number;
} {
  const least = Math.min(pollMs, shortestMs);
  const longest = Math.max(least, Math.min(longestFactor * pollMs, longestShare * freshWithinMs));
  return { shortest: Math.min(longest, pollMs, Math.max(shortestShare * pollMs, shortestMs)), usual: Math.min(pollMs, longest), longest };
}

/** When the mailbox is looked at next, ms from now. Pure. */
export function nextPollMs(question: PollQuestion): number {
  const { settings, lateMs, phase, random } = question;
  const { shortest, longest } = pollBounds(settings);
  const interval = intervalOf(question);
  const isLate = lateMs > lateShare * settings.pollMs;
  if (!isLate) return interval * (1 + spread * (phase + random - 1));
  const most = Math.max(interval, Math.min((1 + lateSpread) * interval, lateMostFactor * longest));
  // As often as without it, on the average, where there is room for that: a fleet that is behind is not asked for more.
  const least = Math.max((1 - spread) * shortest, Math.min(2 * interval - most, lateBeginShare * longest));
  return least + (most - least) * random;
}

/** The longer no mail came, and the longer that usually takes, the later; sooner than `pollMs` only where nothing is behind. */
function intervalOf({ settings, rhythm, isPushed, lateMs, now }: PollQuestion): number {
  const { shortest, usual, longest } = pollBounds(settings);
  const expectedMs = Math.max(now - rhythm.mailAt, Math.min(rhythm.gapMs, looksPerMessage * settings.pollMs));
  const wanted = Math.max(shortest, Math.min(longest, expectedMs / looksPerMessage));
  return isPushed || lateMs > lateShare * settings.pollMs ? Math.max(usual, wanted) : wanted;
}

/** @param messages how many new ones this poll found */
export function learnRhythm(known: MailRhythm | undefined, messages: number, pollMs: number, now: number): MailRhythm {
  const mostMs = looksPerMessage * pollMs;
  // A clock that was set back: nothing is known of the time since.
  if (known === undefined || known.mailAt > now + limits.clockSkewMs) return { mailAt: now, gapMs: mostMs };
  if (messages === 0) return known;
  const gapMs = Math.max(0, now - known.mailAt) / messages;
  return { mailAt: now, gapMs: (Math.min(known.gapMs, mostMs) + Math.min(gapMs, mostMs)) / 2 };
}

/** Each mailbox' own, 0 <= x < 1, the same in all processes: FNV-1a of its id. */
export function phaseOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  // Its low bits alone tell ids apart that differ at their end.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

/** As it is kept with the mailbox, in seconds: 15 bytes. */
export function packRhythm({ mailAt, gapMs }: MailRhythm): string {
  return `${Math.round(mailAt / 1_000)} ${Math.round(gapMs / 1_000)}`;
}

/** Undefined for what cannot be read: it is learned anew. */
export function unpackRhythm(text: string | undefined): MailRhythm | undefined {
  const match = /^(\d{1,12}) (\d{1,9})$/.exec(text ?? "");
  return match ? { mailAt: Number(match[1]) * 1_000, gapMs: Number(match[2]) * 1_000 } : undefined;
}
