import {
  type Chance,
  type Clock,
  type CredentialNote,
  type CredentialNotes,
  limits,
  type Log,
  type SharedTokenCache,
} from "@mailfleet/core";
import type { CredentialRole } from "./credential-order.ts";
import type { EntraCredential, EntraTenant } from "./entra-tenant.ts";
import { failureError } from "./failure-error.ts";
import { requestToken } from "./request-token.ts";
import type { TenantBook } from "./tenant-book.ts";
import type { TokenKeys } from "./token-keys.ts";
import { nextFailure } from "./token-failure.ts";
import { credentialIdentity, digest } from "./token-identity.ts";

export interface CredentialDeskDeps {
  readonly book: TenantBook;
  readonly keys: Pick<TokenKeys, "look">;
  readonly cache: SharedTokenCache;
  readonly notes: CredentialNotes;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly scrub: (text: string) => string;
  /** One token request, whole. Default `limits.tokenRequestMs`. */
  readonly requestMs?: number;
}

export interface CredentialDesk {
  /** One round, also without `start`: files, next credentials, ends that come near. Throws only what `stop` aborts with. */
  round(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

const dayMs = 86_400_000;
/** Longer than one test takes: a process that dies during it delays the next one's by this. */
const testLockMs = 60_000;

/**
 * What has to happen to credentials while nobody asks for a token: files are looked at, the next credential of each tenant is tried by
 * one process of the fleet before it is needed, and an end that comes near is logged, each step once in the fleet.
 */
export function createCredentialDesk(deps: CredentialDeskDeps): CredentialDesk {
  const { book, keys, cache, notes, clock, chance, log, scrub } = deps;
  const ending = new AbortController();
  const owner = chance.uuid();
  /** Steps that this process has seen told, and tests that are not due: by name, until when by the monotonic clock. */
  const settled = new Map<string, number>();
  let running: Promise<void> | undefined;

  async function round(): Promise<void> {
    await keys.look(ending.signal);
    await book.look(ending.signal);
    for (const tenant of book.tenants()) {
      ending.signal.throwIfAborted();
      // One tenant's trouble, or a Redis that is away, is no reason to leave out the others.
      await tellEnd(tenant, "current", tenant.credential).catch(() => undefined);
      if (!tenant.nextCredential) continue;
      await tellEnd(tenant, "next", tenant.nextCredential).catch(() => undefined);
      await testNext(tenant, tenant.nextCredential).catch(() => undefined);
    }
  }

  async function tellEnd(tenant: EntraTenant, role: CredentialRole, credential: EntraCredential): Promise<void> {
    const { expiresAt, kind } = credential;
    const step = expiresAt === undefined ? undefined : endStep(expiresAt, clock.now());
    if (step === undefined || expiresAt === undefined) return;
    const identity = await credentialIdentity(tenant, credential);
    const name = digest(["mailfleet.credential-end/1", identity, String(expiresAt), String(step)]);
    if (settled.has(name)) return;
    // The lock is never given back: it says that the fleet has told this step.
    const isOurs = await cache.tryLock(name, owner, 100 * dayMs);
    settled.set(name, Infinity);
    if (!isOurs) return;
    const days = Math.max(0, Math.floor((expiresAt - clock.now()) / dayMs));
    log.warn({ tenant: tenant.alias, which: role, kind, expires: new Date(expiresAt).toISOString(), days }, endWords(step));
  }

  async function testNext(tenant: EntraTenant, credential: EntraCredential): Promise<void> {
    const identity = await credentialIdentity(tenant, credential);
    if ((settled.get(identity) ?? 0) > clock.monotonic()) return;
    const dueInMs = await untilTest(tenant.alias, identity);
    if (dueInMs > 0) return void settled.set(identity, clock.monotonic() + dueInMs);
    const lock = digest(["mailfleet.credential-test/1", identity]);
    if (!(await cache.tryLock(lock, owner, testLockMs))) return;
    try {
      // Another process may have finished between our look and our lock.
      if ((await untilTest(tenant.alias, identity)) > 0) return;
      const note = await test(tenant, credential, identity);
      await notes.write(note);
      settled.set(identity, clock.monotonic() + pauseAfter(note.ok));
      const fields = { tenant: tenant.alias, kind: credential.kind, ...(note.code !== undefined && { code: note.code, text: note.text }) };
      if (note.ok) log.info(fields, "the next credential works");
      else log.warn(fields, "the next credential does not work yet");
    } finally {
      await cache.unlock(lock, owner);
    }
  }

  /** 0 or less: now. By the wall clock, which a note of the future must not put off for ever. */
  async function untilTest(alias: string, identity: string): Promise<number> {
    const note = (await notes.read()).find(({ tenant, role }) => tenant === alias && role === "next");
    if (!note || note.identity !== identity) return 0;
    const pauseMs = pauseAfter(note.ok);
    return Math.min(note.at + pauseMs - clock.now(), pauseMs);
  }

  async function test(tenant: EntraTenant, credential: EntraCredential, identity: string): Promise<CredentialNote> {
    const { requestMs } = deps;
    const options = { clock, chance, scrub, ...(requestMs !== undefined && { requestMs }) };
    const result = await requestToken(tenant, credential, options, ending.signal);
    ending.signal.throwIfAborted();
    const note = { tenant: tenant.alias, role: "next" as const, identity, at: clock.now() };
    if (result.ok) return { ...note, ok: true };
    const failure = nextFailure(undefined, result.code, result.facts, clock.now(), 0);
    const { message } = failureError(failure, { ...tenant, credential }, clock.now());
    return { ...note, ok: false, code: result.code, text: message };
  }

  return {
    round,
    start() {
      running ??= (async () => {
        for (;;) {
          await round();
          await clock.sleep(limits.credentialLookMs * (0.75 + chance.random() / 4), ending.signal);
        }
      })().catch(() => undefined);
    },
    async stop() {
      ending.abort(new Error("stopped"));
      await running;
    },
  };
}

function pauseAfter(isOk: boolean): number {
  return isOk ? limits.credentialTestMs : limits.credentialRetestMs;
}

/** The smallest of the steps that an end is within; 0 when it is past. */
export function endStep(expiresAt: number, now: number): number | undefined {
  if (expiresAt <= now) return 0;
  return limits.credentialEndDays.findLast((days) => expiresAt - now <= days * dayMs);
}

function endWords(step: number): string {
  if (step === 0) return "a credential has ended: make a new one, or mailboxes stop with the token that is in use";
  return "a credential ends soon: make a new one and give it as nextCredential";
}
