import { randomBytes } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { oidcCallbackPath, type OidcAuth } from "@mailfleet/config";
import type { Clock, Log } from "@mailfleet/core";
import type { Access } from "../access.ts";
import type { ConsoleServer } from "../console-server.ts";
import { RateLimiter } from "../rate-limiter.ts";
import { clearedCookie, cookieValue, setCookie } from "../sessions.ts";
import type { Views } from "../views.ts";
import { OidcClient, OidcFailure } from "./oidc-client.ts";
import { personOfClaims } from "./person-of-claims.ts";
import { localPath, PendingLogins } from "./pending-logins.ts";

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

  const fail = (request: FastifyRequest, reply: FastifyReply, status: number, what: string): FastifyReply =>
    reply
      .code(status)
      .header("set-cookie", clearedCookie(request, cookieName, "Lax"))
      .type("text/html; charset=utf-8")
      .send(
        views.shell(
          { page: { name: "login", data: { token: access.openToken, ways: access.ways, failure: what } } },
          request.headers.cookie,
        ),
      );

  const refuse = (request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply => {
    if (!(error instanceof OidcFailure)) throw error;
    log.warn({ from: request.ip, code: error.code }, "a sign-in by the login service failed");
    switch (error.kind) {
      case "unreachable":
        return fail(request, reply, 503, "The login service does not answer. Try again in a minute.");
      case "refused":
        return fail(request, reply, 401, `The login service's answer was not accepted (${error.code}). Begin again.`);
    }
  };

  server.reads("/login/oidc", "anyone", async (request, reply) => {
    const now = clock.monotonic();
    if (begun.waitMs(request.ip, now) > 0) return fail(request, reply, 429, "Too many sign-ins were begun. Wait some minutes.");
    begun.count(request.ip, now);
    try {
      const login = await client.begin();
      const { to } = request.query as { readonly to?: unknown };
      const browser = randomBytes(16).toString("base64url");
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
      log.warn({ from: request.ip }, "an answer of the login service was refused: nobody here asked for it, or it was used already");
      return fail(request, reply, 400, "This sign-in is not known here, too old, or was used already. Begin again.");
    }
    try {
      const claims = await client.finish(request.url.slice(oidcCallbackPath.length), state, login);
      const person = personOfClaims(claims, rule);
      if (person === undefined) {
        log.warn(
          { from: request.ip, claim: rule.rolesClaim },
          "a sign-in was refused: the login service knows the person, and no role of theirs is in console.auth.oidc",
        );
        return await fail(request, reply, 403, "You are signed in there, and have no role here. Ask whoever runs this console for one.");
      }
      onSignedIn(person.name);
      void reply.header("set-cookie", [clearedCookie(request, cookieName, "Lax"), access.begin(request, person)]);
      return await reply.type("text/html; charset=utf-8").send(onwards(login.to));
    } catch (error) {
      return refuse(request, reply, error);
    }
  });
}

/** A page that leads on by itself: a redirect would still count as coming from the other site, and the session's strict cookie stay behind. */
function onwards(to: string): string {
  const href = to.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Signed in</title><meta http-equiv="refresh" content="0; url=${href}"><p><a href="${href}">Signed in, go on</a></p></html>\n`;
}
