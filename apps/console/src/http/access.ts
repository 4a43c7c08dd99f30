import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import type { ConsoleAuth } from "@mailfleet/config";
import type { Clock, Secret } from "@mailfleet/core";
import type { LoginWay, You } from "@mailfleet/core/console";
import { AddressList } from "./address-list.ts";
import { clearedCookie, cookieValue, type Person, personName, type Session, Sessions, setCookie } from "./sessions.ts";

const cookieName = "mailfleet";
/** No session lasts longer. */
const cookieSeconds = 12 * 3_600;

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
  readonly #proxies: AddressList;
  /** Of whoever is not signed in: protects signing in, and a console without login. */
  readonly openToken = randomBytes(16).toString("base64url");

  constructor({ rule, isReadOnly, clock }: AccessOptions) {
    this.#rule = rule;
    this.#isReadOnly = isReadOnly;
    this.#sessions = new Sessions(clock);
    this.#proxies = new AddressList(rule?.kind === "proxy" ? rule.from : []);
  }

  /** How somebody signs in here; empty where a proxy does it, or nobody has to. */
  get ways(): readonly LoginWay[] {
    return this.#rule === undefined || this.#rule.kind === "proxy" ? [] : [this.#rule.kind];
  }

  /** Nobody has to say who they are. */
  get isOpen(): boolean {
    return this.#rule === undefined;
  }

  /** @param isHuman as in `Sessions.find` */
  whoAsks(request: FastifyRequest, isHuman: boolean): Session | undefined {
    const rule = this.#rule;
    switch (rule?.kind) {
      case undefined:
        return { name: "anyone on this machine", role: "operator", token: this.openToken };
      case "password":
      case "oidc":
        return this.#sessions.find(cookieValue(request, cookieName), isHuman);
      case "proxy":
        return this.#namedByProxy(request, rule);
    }
  }

  #namedByProxy(request: FastifyRequest, rule: Extract<ConsoleAuth, { kind: "proxy" }>): Session | undefined {
    const name = request.headers[rule.header.toLowerCase()];
    if (typeof name !== "string" || name.trim() === "" || !this.#proxies.has(request.socket.remoteAddress)) return undefined;
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
    return { name, role, canSignOut: this.ways.length > 0, ...(readOnly !== undefined && { readOnly }) };
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
    const person = { name: personName(name) || "somebody", role } as const;
    return { person, cookie: this.begin(request, person) };
  }

  /** A new session of somebody who has proved who they are; the browser's old one ends. @returns its Set-Cookie header */
  begin(request: FastifyRequest, person: Person): string {
    this.#sessions.end(cookieValue(request, cookieName));
    return setCookie(request, { name: cookieName, value: this.#sessions.begin(person), seconds: cookieSeconds, sameSite: "Strict" });
  }

  /** @returns the Set-Cookie header that takes it away */
  signOut(request: FastifyRequest): string {
    this.#sessions.end(cookieValue(request, cookieName));
    return clearedCookie(request, cookieName, "Strict");
  }

  /** Takes as long for every wrong one. */
  #fits(given: string, secret: Secret): boolean {
    const digest = (text: string): Buffer => createHmac("sha256", this.#key).update(text).digest();
    return timingSafeEqual(digest(given), digest(secret.reveal()));
  }
}
