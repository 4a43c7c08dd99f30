import {
  type AccessToken,
  type ErrorFacts,
  type FailureCode,
  limits,
  mailboxId,
  type MailboxRef,
  type MailSession,
  Secret,
  syncError,
} from "@mailfleet/core";
import {
  createMemoryPushLeases,
  createMemorySignals,
  fakeClock,
  type FakeClock,
  type MemoryPushLeases,
  type MemorySignals,
  recordingLog,
  seededChance,
} from "@mailfleet/testkit";
import type { PushPorts } from "./push-mailbox.ts";

/** What one worker's IDLE sees of a server: everything that the port promises, by a fake clock. */
export interface IdleServer {
  /** Something moved in the mailbox. */
  move(id: string): void;
  /** Ends every session of the mailbox, or of all. */
  cut(code: FailureCode, id?: string): void;
  /** From now on each login is answered so; undefined lets all in. */
  refuse(code: FailureCode | undefined, facts?: Partial<ErrorFacts>): void;
  /** Never tells anything by IDLE. */
  isSilent: boolean;
  hasIdle: boolean;
  /** How long tokens live, ms. */
  tokenMs: number;
  /** Sessions that are open, by mailbox id. */
  readonly open: ReadonlyMap<string, number>;
  /** Most sessions that one mailbox ever had at once. */
  readonly mostAtOnce: number;
  /** When each login was made: monotonic ms and id. */
  readonly logins: { readonly at: number; readonly id: string }[];
}

export interface PushWorld {
  readonly clock: FakeClock;
  readonly leases: MemoryPushLeases;
  readonly signals: MemorySignals;
  readonly server: IdleServer;
  readonly log: ReturnType<typeof recordingLog>;
  ports(): PushPorts;
  /** Lets time pass in steps, so that rounds of several workers mix. */
  pass(ms: number): Promise<void>;
}

interface FakeSession {
  readonly id: string;
  hasMoved: boolean;
  wake: () => void;
  ended: Error | undefined;
}

export function pushWorld(mailboxes: readonly MailboxRef[]): PushWorld {
  const clock = fakeClock();
  const leases = createMemoryPushLeases(clock, seededChance(11));
  for (const mailbox of mailboxes) leases.mailboxes.set(mailboxId(mailbox), mailbox);
  const signals = createMemorySignals(clock);
  const log = recordingLog();
  const sessions = new Set<FakeSession>();
  const openCounts = new Map<string, number>();
  const logins: { at: number; id: string }[] = [];
  let refusal: { code: FailureCode; facts: Partial<ErrorFacts> } | undefined;
  let seed = 100;
  const server = {
    isSilent: false,
    hasIdle: true,
    tokenMs: 3_600_000,
    mostAtOnce: 0,
    open: openCounts,
    logins,
    move(id: string) {
      for (const session of sessions) {
        if (session.id !== id || server.isSilent) continue;
        session.hasMoved = true;
        session.wake();
      }
    },
    cut(code: FailureCode, id?: string) {
      for (const session of sessions) if (id === undefined || session.id === id) end(session, code);
    },
    refuse(code: FailureCode | undefined, facts: Partial<ErrorFacts> = {}) {
      refusal = code === undefined ? undefined : { code, facts };
    },
  };
  const end = (session: FakeSession, code: FailureCode): void => {
    if (!sessions.delete(session)) return;
    openCounts.set(session.id, (openCounts.get(session.id) ?? 1) - 1);
    session.ended = syncError(code, "ended", { layer: "imap" });
    session.wake();
  };
  const openOne = (id: string, signal: AbortSignal): MailSession => {
    const session: FakeSession = { id, hasMoved: false, wake: () => undefined, ended: undefined };
    sessions.add(session);
    openCounts.set(id, (openCounts.get(id) ?? 0) + 1);
    server.mostAtOnce = Math.max(server.mostAtOnce, openCounts.get(id) ?? 0);
    signal.addEventListener("abort", () => end(session, "INTERRUPTED"), { once: true });
    const unused = (): never => {
      throw new Error("push does not read");
    };
    return {
      features: { hasFlags: true, hasCondStore: false, hasIdle: server.hasIdle },
      listFolders: unused,
      status: unused,
      listUids: unused,
      describe: unused,
      fetch: unused,
      fetchHead: unused,
      fetchStream: unused,
      isLongerThan: unused,
      fetchFlags: unused,
      fetchHeaders: unused,
      open: () => Promise.resolve({ messages: 0, uidNext: 1, uidValidity: "1" }),
      async idle(maxMs, stop) {
        const enough = new AbortController();
        session.wake = () => enough.abort();
        if (!session.hasMoved && !session.ended) await clock.sleep(maxMs, AbortSignal.any([enough.signal, stop])).catch(() => undefined);
        if (session.ended) throw session.ended;
        const hasMoved = session.hasMoved;
        session.hasMoved = false;
        return hasMoved ? "moved" : "quiet";
      },
      close() {
        end(session, "SESSION_CLOSED");
        return Promise.resolve();
      },
    };
  };
  return {
    clock,
    leases,
    signals,
    log,
    server,
    ports: () => ({
      clock,
      chance: seededChance(seed++),
      log,
      leases,
      signals,
      tokens: { getToken: () => Promise.resolve<AccessToken>({ value: new Secret("t"), expiresAt: clock.now() + server.tokenMs }) },
      mail: {
        async open(mailbox, _token, signal) {
          // A login takes several seconds on Exchange; a tenth of one here, so that two can overlap.
          await clock.sleep(100, signal);
          const id = mailboxId(mailbox);
          logins.push({ at: clock.monotonic(), id });
          if (refusal) throw syncError(refusal.code, "refused", { layer: "imap", ...refusal.facts });
          return openOne(id, signal);
        },
      },
    }),
    async pass(ms) {
      const stepMs = Math.min(ms, limits.pushRoundMs / 4);
      for (let passed = 0; passed < ms; passed += stepMs) await clock.advance(Math.min(stepMs, ms - passed));
    },
  };
}
