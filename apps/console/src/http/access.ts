import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { BlockList, isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import type { ConsoleAuth } from "@mailfleet/config";
import type { Clock, Secret } from "@mailfleet/core";
import type { You } from "@mailfleet/core/console";
import { type Person, readCookie, type Session, Sessions } from "./sessions.ts";

export interface AccessOptions {
  /** Absent: whoever can reach the console, which is then on loopback only. */
  readonly rule: ConsoleAuth | undefined;
  readonly isReadOnly: boolean;
  readonly clock: Clock;
}

/** Who asks, and with which secrets. */
export class Access {
  readonly #rule: ConsoleAuth | undefined;
  readonly #isReadOnly: boolean;
  readonly #sessions: Sessions;
  readonly #key = randomBytes(32);
  readonly #proxies: BlockList | undefined;
  /** Of whoever is not signed in: protects signing in, and a console without login. */
  readonly openToken = randomBytes(16).toString("base64url");

  constructor({ rule, isReadOnly, clock }: AccessOptions) {
    this.#rule = rule;
    this.#isReadOnly = isReadOnly;
    this.#sessions = new Sessions(clock);
    this.#proxies = rule?.kind === "proxy" ? addressList(rule.from) : undefined;
  }

  get hasLogin(): boolean {
    return this.#rule?.kind === "password";
  }

  /** @param isHuman as in `Sessions.find` */
  whoAsks(request: FastifyRequest, isHuman: boolean): Session | undefined {
    const rule = this.#rule;
    if (rule === undefined) return { name: "anyone on this machine", role: "operator", token: this.openToken };
    if (rule.kind === "password") return this.#sessions.find(sessionId(request), isHuman);
    const name = request.headers[rule.header.toLowerCase()];
    const address = request.socket.remoteAddress ?? "";
    if (typeof name !== "string" || name.trim() === "" || !this.#proxies?.check(plainAddress(address), family(address))) return undefined;
    const who = personName(name);
    const role = rule.operators.includes(who) ? "operator" : "viewer";
    return { name: who, role, token: createHmac("sha256", this.#key).update(`${role} ${who}`).digest("base64url") };
  }

  you({ name, role }: Person): You {
    const readOnly = this.#isReadOnly
      ? "This console is read-only (console.readOnly)."
      : role === "viewer"
        ? "You are a viewer: you see everything but content, and change nothing."
        : undefined;
    return { name, role, canSignOut: this.hasLogin, ...(readOnly !== undefined && { readOnly }) };
  }

  get isReadOnly(): boolean {
    return this.#isReadOnly;
  }

  /** @returns the Set-Cookie header of a new session, or undefined for a wrong password */
  signIn(request: FastifyRequest, name: string, password: string): { readonly person: Person; readonly cookie: string } | undefined {
    const rule = this.#rule;
    if (rule?.kind !== "password") return undefined;
    const role = this.#fits(password, rule.password)
      ? "operator"
      : rule.viewerPassword !== undefined && this.#fits(password, rule.viewerPassword)
        ? "viewer"
        : undefined;
    if (role === undefined) return undefined;
    this.#sessions.end(sessionId(request));
    const person = { name: personName(name) || "somebody", role } as const;
    return { person, cookie: cookie(request, this.#sessions.begin(person), 12 * 3_600) };
  }

  /** @returns the Set-Cookie header that takes it away */
  signOut(request: FastifyRequest): string {
    this.#sessions.end(sessionId(request));
    return cookie(request, "", 0);
  }

  /** Takes as long for every wrong one. */
  #fits(given: string, secret: Secret): boolean {
    const digest = (text: string): Buffer => createHmac("sha256", this.#key).update(text).digest();
    return timingSafeEqual(digest(given), digest(secret.reveal()));
  }
}

/** `__Host-` binds it to this host and to TLS; a browser refuses that prefix over plain http, which loopback speaks. */
function cookieName(request: FastifyRequest): string {
  return isEncrypted(request) ? "__Host-mailfleet" : "mailfleet";
}

function sessionId(request: FastifyRequest): string | undefined {
  return readCookie(request.headers.cookie, cookieName(request));
}

function cookie(request: FastifyRequest, value: string, seconds: number): string {
  const secure = isEncrypted(request) ? "; Secure" : "";
  return `${cookieName(request)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
}

function isEncrypted(request: FastifyRequest): boolean {
  return request.protocol === "https";
}

/** As it is shown and written down: one line, without controls, at most 64 characters. */
function personName(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim()
    .slice(0, 64);
}

function addressList(from: readonly string[]): BlockList {
  const list = new BlockList();
  for (const address of from) list.addAddress(address, family(address));
  return list;
}

/** `::ffff:10.0.0.1` of a socket that listens on both. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

function family(address: string): "ipv4" | "ipv6" {
  return isIP(plainAddress(address)) === 6 ? "ipv6" : "ipv4";
}
