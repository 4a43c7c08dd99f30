import { randomBytes } from "node:crypto";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type RouteHandlerMethod } from "fastify";
import type { Clock, Log } from "@mailfleet/core";
import type { ConsoleRole } from "@mailfleet/core/console";
import type { Access } from "./access.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { Refusal } from "./refusal.ts";
import { type NoticeFiles, refusalPage, wantsPage } from "./refusal-page.ts";
import { checkHost, checkOrigin } from "./request-checks.ts";
import type { TlsPair } from "./own-tls.ts";
import { securityHeaders } from "./security-headers.ts";
import type { Session } from "./sessions.ts";

/** Who may ask: `anyone` needs no login. A route without a role is not registered (T48). */
export type RouteRole = "anyone" | ConsoleRole;

declare module "fastify" {
  interface FastifyContextConfig {
    readonly role?: RouteRole;
    /** A page asks by itself: keeps nobody signed in. */
    readonly isAutomatic?: boolean;
  }
  interface FastifyRequest {
    session: Session | null;
  }
}

/** T54. A ticket's list of mailboxes is the largest body. */
const bodyBytes = 1_000_000;
const headerBytes = 16_384;
const requestMs = 10_000;
/** Changes by one person: far above what a hand does. */
const actionLimit = { count: 60, windowMs: 60_000 };
/** No route has a schema: Fastify's compilers of schemas, a hundred files, stay where they are. */
const noSchemas = {
  compilersFactory: {
    buildValidator: () => {
      throw new Error("a route has a schema, and nothing here checks one");
    },
    buildSerializer: () => {
      throw new Error("a route has a schema, and nothing here writes by one");
    },
  },
};
/** Of a container's health check, which comes by no proxy: it says nothing but that it answers. */
export const healthPath = "/healthz";
const loginLimit = { count: 10, windowMs: 5 * 60_000 };

export interface ConsoleServerOptions {
  readonly access: Access;
  readonly clock: Clock;
  readonly log: Log;
  /** Names under which the console is reached. */
  readonly names: ReadonlySet<string>;
  readonly importMapHash: string | undefined;
  /** What a refusal's page loads. */
  readonly notice: NoticeFiles;
  /** TLS of its own. */
  readonly tls?: TlsPair;
  /** Addresses of proxies whose X-Forwarded headers are believed. */
  readonly proxies: readonly string[];
  /** Throws a Refusal for what came in the clear and must not. Not asked for health. */
  readonly checkTransport: (request: FastifyRequest) => void;
  /** For the record where it was a change, and for the counts. */
  readonly onRefused: (request: FastifyRequest, refusal: Refusal) => void;
}

/** As it was registered. */
export interface ConsoleRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly role: RouteRole;
}

export interface ConsoleServer {
  readonly app: FastifyInstance;
  /** All of them, in the order in which they were added. */
  readonly routes: readonly ConsoleRoute[];
  reads(path: string, role: RouteRole, handler: RouteHandlerMethod, options?: { readonly isAutomatic?: boolean }): void;
  changes(path: string, role: RouteRole, handler: RouteHandlerMethod): void;
  /** Counts wrong passwords. */
  readonly logins: RateLimiter;
}

/** A server on which every route is checked before it runs: host, role, and for what changes anything origin, token and rate. */
export function createConsoleServer(options: ConsoleServerOptions): ConsoleServer {
  const { access, clock, log, names, tls } = options;
  const common = {
    bodyLimit: bodyBytes,
    requestTimeout: requestMs,
    forceCloseConnections: true as const,
    trustProxy: options.proxies.length === 0 ? false : [...options.proxies],
    genReqId: () => randomBytes(6).toString("hex"),
    logger: false as const,
    schemaController: noSchemas,
  };
  const app = (
    tls === undefined
      ? Fastify({ ...common, http: { maxHeaderSize: headerBytes } })
      : Fastify({ ...common, https: { key: tls.key, cert: tls.cert, minVersion: "TLSv1.2", maxHeaderSize: headerBytes } })
  ) as FastifyInstance;
  const headers = securityHeaders(options.importMapHash);
  const actions = new RateLimiter(actionLimit);
  const logins = new RateLimiter(loginLimit);

  app.decorateRequest("session", null);
  app.addHook("onRoute", ({ config, url }) => {
    if (config?.role === undefined) throw new Error(`${url} does not say who may ask for it`);
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers);
    checkHost(request, names);
    if (request.routeOptions.url !== healthPath) options.checkTransport(request);
    const { role = "operator", isAutomatic = false } = request.routeOptions.config;
    request.session = access.whoAsks(request, !isAutomatic) ?? null;
    const isChange = request.method !== "GET" && request.method !== "HEAD";
    if (isChange) checkOrigin(request, request.session?.token ?? access.openToken);
    else checkSite(request);
    if (role === "anyone" || request.is404) return;
    if (request.session === null) throw new Refusal("NOT_SIGNED_IN", "Nobody is signed in.", { todo: "Load the page again to sign in." });
    if (!isChange) return;
    const now = clock.monotonic();
    // With the role: a viewer who signs in under an operator's name takes nothing of theirs.
    const who = `${request.session.role} ${request.session.name}`;
    const waitMs = actions.waitMs(who, now);
    if (waitMs > 0) throw new Refusal("TOO_MANY", "Too much is asked for at once.", { retryMs: waitMs });
    actions.count(who, now);
  });
  // Behind the body, so that what was refused can be named.
  app.addHook("preHandler", async ({ routeOptions, session }) => {
    if (routeOptions.config.role !== "operator" || session === null) return;
    if (access.isReadOnly) throw new Refusal("READ_ONLY", "This console is read-only (console.readOnly).");
    if (session.role !== "operator") throw new Refusal("FORBIDDEN", "This is for operators: viewers look, and change nothing.");
  });
  // Only what our pages send; a form's or a text's body is refused before anything reads it.
  app.removeContentTypeParser("text/plain");
  app.setErrorHandler((error, request, reply) => {
    const refusal = toRefusal(error, request.id);
    if (refusal.code === "FAILED") {
      log.error({ id: request.id, route: request.routeOptions.url, err: error }, "the console could not answer");
    } else options.onRefused(request, refusal);
    return answer(request, reply, refusal);
  });
  app.setNotFoundHandler((request, reply) => answer(request, reply, new Refusal("NOT_FOUND", "There is nothing at this address.")));

  function answer(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
    const { status, more } = refusal;
    if (more.retryMs !== undefined) void reply.header("retry-after", Math.ceil(more.retryMs / 1_000));
    void reply.code(status);
    if (wantsPage(request))
      return reply.type("text/html; charset=utf-8").send(refusalPage(refusal, request.headers.cookie, options.notice));
    return reply.type("application/json; charset=utf-8").send(refusal.toJSON());
  }

  const routes: ConsoleRoute[] = [];
  return {
    app,
    routes,
    logins,
    reads(path, role, handler, more = {}) {
      routes.push({ method: "GET", path, role });
      app.get(path, { config: { role, ...more } }, handler);
    },
    changes(path, role, handler) {
      routes.push({ method: "POST", path, role });
      app.post(path, { config: { role } }, handler);
    },
  };
}

/** Data are for our own pages: another site may not even ask. A page itself may be opened from anywhere, an alert's link for one. */
function checkSite(request: FastifyRequest): void {
  const site = request.headers["sec-fetch-site"];
  const isNavigation = request.headers["sec-fetch-mode"] === "navigate" && request.headers["sec-fetch-dest"] === "document";
  if (site === "cross-site" && !isNavigation) throw new Refusal("FORGED", "The request does not come from a page of this console.");
}

function toRefusal(error: unknown, id: string): Refusal {
  if (error instanceof Refusal) return error;
  const { code, statusCode } = error as { readonly code?: string; readonly statusCode?: number };
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE")
    return new Refusal("TOO_LARGE", "The request is larger than any of this console's pages sends.");
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new Refusal("BAD_REQUEST", "The request cannot be read.");
  return new Refusal("FAILED", "Something went wrong here.", { todo: "Its words are in the console's log.", id });
}
