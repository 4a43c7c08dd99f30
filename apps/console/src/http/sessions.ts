import { randomBytes } from "node:crypto";
import type { FastifyRequest } from "fastify";
import type { Clock } from "@mailfleet/core";
import type { ConsoleRole } from "@mailfleet/core/console";

/** Without a request for this long, and after this long in any case, one signs in again (T47). */
const idleMs = 30 * 60_000;
const longestMs = 12 * 3_600_000;
/** People of one console; beyond them the one that was idle longest signs in again. */
const mostSessions = 1_000;

export interface Person {
  readonly name: string;
  readonly role: ConsoleRole;
}

export interface Session extends Person {
  /** For the header of requests that change something. */
  readonly token: string;
}

interface Kept extends Session {
  readonly beganMs: number;
  seenMs: number;
}

/** Who is signed in. In this process' memory only: a restart asks everybody again, and nothing is to be stolen from Redis. */
export class Sessions {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns the secret for the cookie, 128 bit */
  begin(person: Person): string {
    const id = randomBytes(16).toString("base64url");
    const now = this.#clock.monotonic();
    this.#kept.set(id, { ...person, token: randomBytes(16).toString("base64url"), beganMs: now, seenMs: now });
    if (this.#kept.size > mostSessions) {
      const [idlest] = [...this.#kept].sort(([, a], [, b]) => a.seenMs - b.seenMs);
      if (idlest) this.#kept.delete(idlest[0]);
    }
    return id;
  }

  /** @param isHuman false for what a page does by itself: an open tab alone keeps nobody signed in */
  find(id: string | undefined, isHuman: boolean): Session | undefined {
    const kept = id === undefined ? undefined : this.#kept.get(id);
    if (id === undefined || kept === undefined) return undefined;
    const now = this.#clock.monotonic();
    if (now - kept.seenMs >= idleMs || now - kept.beganMs >= longestMs) {
      this.#kept.delete(id);
      return undefined;
    }
    if (isHuman) kept.seenMs = now;
    return kept;
  }

  end(id: string | undefined): void {
    if (id !== undefined) this.#kept.delete(id);
  }
}

/** As it is shown and written down: one line, without controls, at most 64 characters. */
export function personName(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim()
    .slice(0, 64);
}

interface CookieSpec {
  readonly name: string;
  readonly value: string;
  readonly seconds: number;
  readonly sameSite: "Strict" | "Lax";
}

/** `__Host-` binds it to this host and to TLS; a browser refuses that prefix over plain http, which loopback speaks. */
function boundName(request: FastifyRequest, name: string): string {
  return request.protocol === "https" ? `__Host-${name}` : name;
}

/** A Set-Cookie header of a cookie that no script sees. */
export function setCookie(request: FastifyRequest, { name, value, seconds, sameSite }: CookieSpec): string {
  const secure = request.protocol === "https" ? "; Secure" : "";
  return `${boundName(request, name)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=${sameSite}${secure}`;
}

/** The Set-Cookie header that takes it away. */
export function clearedCookie(request: FastifyRequest, name: string, sameSite: CookieSpec["sameSite"]): string {
  return setCookie(request, { name, value: "", seconds: 0, sameSite });
}

export function cookieValue(request: FastifyRequest, name: string): string | undefined {
  return readCookie(request.headers.cookie, boundName(request, name));
}

/** The value of one cookie. */
function readCookie(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? "").split(";")) {
    const [key, ...value] = part.split("=");
    if (key?.trim() === name) return value.join("=").trim();
  }
  return undefined;
}
