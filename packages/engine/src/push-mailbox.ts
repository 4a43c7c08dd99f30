import {
  type Clock,
  type Chance,
  type FleetSignals,
  isSyncError,
  limits,
  type Log,
  mailboxId,
  type MailboxRef,
  type PushClaim,
  type PushLeases,
  pushWait,
  syncError,
} from "@mailfleet/core";
import { openWithToken, type OpenPorts } from "./open-session.ts";
import { afterEnd, pauseMs, type PushStep, replaceInMs, turnMs } from "./push-plan.ts";

export interface PushPorts extends OpenPorts {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly leases: PushLeases;
  readonly signals: FleetSignals;
}

/** What push did since the worker started. */
export interface PushCounts {
  connects: number;
  pokes: number;
  failures: number;
}

export interface HoldOptions {
  readonly ports: PushPorts;
  readonly place: string;
  readonly claim: PushClaim;
  /** Aborts when the mailbox is another worker's or the worker stops: the connection closes at once. */
  readonly signal: AbortSignal;
  readonly counts: PushCounts;
  readonly onConnected: (isConnected: boolean) => void;
}

/** The mailbox is free again, for others not before `afterMs`; or it was taken away, and nothing is to be given back. */
export type HoldEnd = { readonly kind: "give-back"; readonly afterMs: number; readonly tries: number } | { readonly kind: "stopped" };

/** A server without IDLE is asked again after this long: servers are replaced. */
const noIdleMs = 6 * 3_600_000;

/** Holds one IDLE on a mailbox's INBOX, and makes the mailbox due when it moves. Ends when it is to be given back, or by the signal. */
export async function pushMailbox(options: HoldOptions): Promise<HoldEnd> {
  const { ports, claim, signal, counts } = options;
  let tries = claim.tries;
  let lastCode: string | undefined;
  let hasSlot = false;
  while (!signal.aborted) {
    const quietMs = ports.signals.waitMs(claim.mailbox);
    if (quietMs > 0) return { kind: "give-back", afterMs: quietMs, tries };
    const watch = ports.signals.watch(claim.mailbox);
    const ends = AbortSignal.any([signal, watch.signal]);
    const hold: Hold = { options: { ...options, signal: ends }, idleFrom: undefined, tokenExpiresAt: undefined };
    try {
      if (!hasSlot) await ports.clock.sleep(await ports.leases.loginSlot(claim.mailbox.tenant), ends);
      hasSlot = false;
      const end = await holdSession(hold);
      if (end !== "replace") return end;
      [hasSlot, tries] = [true, 0];
    } catch (error) {
      // The signal's own end comes out of sleeps and sessions as an error.
      if (isAborted(signal) || (isSyncError(error) && error.failure.code === "LEASE_LOST")) break;
      // Somebody else met the server's limit.
      if (isAborted(watch.signal)) return { kind: "give-back", afterMs: ports.signals.waitMs(claim.mailbox), tries };
      const code = isSyncError(error) ? error.failure.code : "UNCLASSIFIED";
      // Failures of another kind are counted anew. Of which kind those before this claim were is not known.
      const step = stepAfter(error, hold, lastCode === undefined || lastCode === code ? tries : 0);
      [tries, lastCode] = [step.tries, code];
      counts.failures++;
      if (code === "SERVER_THROTTLED") ports.signals.announce(claim.mailbox, step.kind === "give-back" ? step.afterMs : step.inMs, code);
      if (step.kind === "give-back") return step;
      await ports.clock.sleep(step.inMs, signal).catch(() => undefined);
    } finally {
      watch.stop();
    }
  }
  return { kind: "stopped" };
}

/** The server's clock and ours may differ by so much. */
const clockSkewMs = 5_000;

function stepAfter(error: unknown, { options, idleFrom, tokenExpiresAt }: Hold, tries: number): PushStep {
  const { ports, claim } = options;
  const { mailbox } = claim;
  if (!isSyncError(error)) {
    ports.log.error({ tenant: mailbox.tenant, mailbox: mailbox.address, err: error }, "push failed in a way that has no name");
    return { kind: "give-back", afterMs: noIdleMs, tries: tries + 1 };
  }
  const { failure } = error;
  const step = afterEnd({
    failure,
    tries,
    idledMs: idleFrom === undefined ? undefined : ports.clock.monotonic() - idleFrom,
    isTokenOver: tokenExpiresAt !== undefined && ports.clock.now() >= tokenExpiresAt - clockSkewMs,
    now: ports.clock.now(),
    random: ports.chance.random(),
  });
  const fields = { tenant: mailbox.tenant, mailbox: mailbox.address, code: failure.code, text: failure.facts.text ?? failure.message };
  // Trouble of one mailbox is worth a line; an outage would give one for each of thousands.
  const level = failure.scope === "mailbox" ? "info" : "debug";
  if (step.kind === "give-back") ports.log[level]({ ...fields, againInMs: step.afterMs }, "push waits, the mailbox is polled meanwhile");
  else ports.log.debug({ ...fields, againInMs: step.inMs }, "push connects again");
  return step;
}

interface Hold {
  readonly options: HoldOptions;
  /** Monotonic ms. */
  idleFrom: number | undefined;
  /** Epoch ms. */
  tokenExpiresAt: number | undefined;
}

/** One connection, until it is replaced or to be given back. @throws SyncError when it ended otherwise */
async function holdSession(hold: Hold): Promise<HoldEnd | "replace"> {
  const { ports, claim, signal, counts, onConnected } = hold.options;
  const { session, token } = await openWithToken(ports, claim.mailbox, signal);
  const replace = new AbortController();
  const sessionEnd = new AbortController();
  const idleEnd = AbortSignal.any([replace.signal, signal]);
  const onAbort = (): void => void session.close();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (!session.features.hasIdle) return { kind: "give-back", afterMs: noIdleMs, tries: 0 };
    await session.open("INBOX");
    counts.connects++;
    onConnected(true);
    hold.idleFrom = ports.clock.monotonic();
    hold.tokenExpiresAt = token.expiresAt;
    bookReplacement(hold.options, token.expiresAt, replace, sessionEnd.signal);
    // Something may have come while nobody looked.
    let stop = await poke(hold.options);
    let pause = 0;
    while (stop === undefined) {
      const idleAt = ports.clock.monotonic();
      const what = await session.idle(turnMs(ports.chance.random()), idleEnd);
      if (replace.signal.aborted) {
        if (what === "moved") await poke(hold.options);
        return "replace";
      }
      if (what === "quiet") continue;
      stop = await poke(hold.options);
      pause = pauseMs(pause, ports.clock.monotonic() - idleAt);
      // What moves meanwhile is told by the server when IDLE begins again: nothing that comes last is missed.
      await ports.clock.sleep(pause, signal);
    }
    return stop;
  } finally {
    signal.removeEventListener("abort", onAbort);
    sessionEnd.abort();
    onConnected(false);
    await session.close();
  }
}

/** Waits for the moment and for its turn among the logins while the session goes on, so that the gap is one login long. */
function bookReplacement({ ports, claim }: HoldOptions, tokenExpiresAt: number, replace: AbortController, end: AbortSignal): void {
  const inMs = replaceInMs(tokenExpiresAt, ports.clock.now(), ports.chance.random());
  if (inMs === undefined) return;
  const book = async (): Promise<void> => {
    await ports.clock.sleep(inMs, end);
    await ports.clock.sleep(await ports.leases.loginSlot(claim.mailbox.tenant), end);
    replace.abort();
  };
  // Fails when the session ends first, or Redis does not answer: then the server ends the session with its token.
  book().catch(() => undefined);
}

/** Makes the mailbox due. @returns how the hold ends, where a cause keeps push away. @throws SyncError LEASE_LOST, or the signal's */
async function poke({ ports, place, claim, counts, signal }: HoldOptions): Promise<HoldEnd | undefined> {
  const answer = await untilAnswered(() => ports.leases.poke(place, claim.mailbox), ports.clock, signal);
  if (answer === "lost") throw lost(claim.mailbox);
  if (answer === "poked") {
    counts.pokes++;
    return undefined;
  }
  const waitMs = pushWait(answer, ports.clock.now(), true);
  return waitMs === undefined ? undefined : { kind: "give-back", afterMs: waitMs, tries: 0 };
}

/** A poke that Redis did not take is owed: the next one may be far away. */
async function untilAnswered<T>(ask: () => Promise<T>, clock: Clock, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isSyncError(error)) throw error;
      await clock.sleep(limits.pushPauseMs, signal);
    }
  }
}

function lost(mailbox: MailboxRef): Error {
  return syncError("LEASE_LOST", `Push for ${mailboxId(mailbox)} is another worker's by now. Its connection here is closed.`, {
    layer: "engine",
  });
}

/** As a call, because the loop's condition narrowed the property. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
