import { randomBytes } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { oidcCallbackPath, type OidcAuth } from "@mailfleet/config";
import type { Clock, Log } from "@mailfleet/core";
import type { Access } from "../access.ts";
import { sourceOf } from "../address-list.ts";
import type { ConsoleServer } from "../console-server.ts";
import { RateLimiter } from "../rate-limiter.ts";
import { localPath, onwards } from "../onwards.ts";
import { clearedCookie, cookieValue, setCookie } from "../sessions.ts";
import type { Views } from "../views.ts";
import { OidcClient, OidcFailure } from "./oidc-client.ts";
import { personOfClaims } from "./person-of-claims.ts";
import { PendingLogins } from "./pending-logins.ts";

/** Sign-ins that one address begins: above what people do, below what hurts the login service. */
const beginLimit = { count: 60, windowMs: 5 * 60_000 };
/** As long as a sign-in may take. */
const cookieSeconds = 600;
const cookieName = "mailfleet-login";

export interface OidcRoutesOptions {
  readonly rule: OidcAuth;
  readonly access: Access;
  readonly views: Views;
  readonly clock: Clock;
  readonly log: Log;
  readonly onSignedIn: (name: string) => void;
}

/** Out to the login service and back. Links to it and not forms: a browser goes there by itself, so there is nothing to forge. */
export function addOidcRoutes(server: ConsoleServer, { rule, access, views, clock, log, onSignedIn }: OidcRoutesOptions): void {
  const client = new OidcClient(rule, clock);
  const pending = new PendingLogins();
  const begun = new RateLimiter(beginLimit);

  /** What a tab leaves of the browser's cookie: another one may have begun a sign-in of its own under it. */
  const cookiesAfter = (request: FastifyRequest): string[] => {
    const browser = cookieValue(request, cookieName);
    return browser !== undefined && pending.isOpen(browser, clock.monotonic()) ? [] : [clearedCookie(request, cookieName, "Lax")];
  };

  const fail = (request: FastifyRequest, reply: FastifyReply, status: number, what: string): FastifyReply =>
    reply
      .code(status)
      .header("set-cookie", cookiesAfter(request))
      .type("text/html; charset=utf-8")
      .send(
        views.shell(
          { page: { name: "login", data: { token: access.openToken, ways: access.ways, failure: what } } },
          request.headers.cookie,
        ),
      );

  const refuse = (request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply => {
    if (!(error instanceof OidcFailure)) throw error;
    log.warn({ ip: request.ip, code: error.code }, "a sign-in by the login service failed");
    switch (error.kind) {
      case "unreachable":
        return fail(request, reply, 503, "The login service does not answer. Try again in a minute.");
      case "refused":
        return fail(request, reply, 401, `The login service's answer was not accepted (${error.code}). Begin again.`);
    }
  };

  server.reads("/login/oidc", "anyone", async (request, reply) => {
    const now = clock.monotonic();
    const source = sourceOf(request.ip);
    if (begun.waitMs(source, now) > 0) return fail(request, reply, 429, "Too many sign-ins were begun. Wait some minutes.");
    begun.count(source, now);
    try {
      const login = await client.begin();
      const { to } = request.query as { readonly to?: unknown };
      // Two tabs of one browser may be on their way at once.
      const known = cookieValue(request, cookieName);
      const browser = known !== undefined && pending.isOpen(known, now) ? known : randomBytes(16).toString("base64url");
      const state = pending.begin(
        { browser, nonce: login.nonce, verifier: login.verifier, to: localPath(typeof to === "string" ? to : undefined) },
        now,
      );
      // Lax: the way back comes from another site.
      void reply.header("set-cookie", setCookie(request, { name: cookieName, value: browser, seconds: cookieSeconds, sameSite: "Lax" }));
      return await reply.redirect(login.address(state), 302);
    } catch (error) {
      return refuse(request, reply, error);
    }
  });

  server.reads(oidcCallbackPath, "anyone", async (request, reply) => {
    const { state } = request.query as { readonly state?: unknown };
    const login = typeof state === "string" ? pending.take(state, cookieValue(request, cookieName), clock.monotonic()) : undefined;
    if (login === undefined || typeof state !== "string") {
      log.warn({ ip: request.ip }, "an answer of the login service was refused: nobody here asked for it, or it was used already");
      return fail(request, reply, 400, "This sign-in is not known here, too old, or was used already. Begin again.");
    }
    try {
      const claims = await client.finish(request.url.slice(oidcCallbackPath.length), state, login);
      const person = personOfClaims(claims, rule);
      if (person === undefined) {
        log.warn(
          { ip: request.ip, claim: rule.rolesClaim },
          "a sign-in was refused: the login service knows the person, and no role of theirs is in console.auth.oidc",
        );
        return await fail(request, reply, 403, "You are signed in there, and have no role here. Ask whoever runs this console for one.");
      }
      onSignedIn(person.name);
      void reply.header("set-cookie", [...cookiesAfter(request), access.begin(request, person)]);
      return await reply.type("text/html; charset=utf-8").send(onwards("Signed in", login.to));
    } catch (error) {
      return refuse(request, reply, error);
    }
  });
}
