import { type Config, isLoopback } from "@mailfleet/config";
import { type Clock, type Log, syncError } from "@mailfleet/core";
import { type ActionVerb, actionVerbs } from "@mailfleet/core/console";
import type { RolePanel } from "@mailfleet/role";
import type { FastifyInstance } from "fastify";
import type { Server as TlsServer } from "node:https";
import { ActionDesk } from "./actions/action-desk.ts";
import { QueueBoard } from "./board/queue-board.ts";
import { addActionRoutes } from "./http/action-routes.ts";
import { addBoardRoutes } from "./http/board-routes.ts";
import { type ConsoleRoute, createConsoleServer } from "./http/console-server.ts";
import { RateLimiter } from "./http/rate-limiter.ts";
import { EventStreams } from "./http/event-streams.ts";
import { addLoginRoutes } from "./http/login-routes.ts";
import { addPageRoutes } from "./http/page-routes.ts";
import { addReadRoutes } from "./http/read-routes.ts";
import { addOidcRoutes } from "./http/oidc/oidc-routes.ts";
import { readTlsPair, TlsReload } from "./http/own-tls.ts";
import { addSandboxRoutes } from "./http/sandbox-routes.ts";
import { ownNames } from "./http/request-checks.ts";
import { proxiesOf, transportCheck } from "./http/transport.ts";
import type { Views } from "./http/views.ts";
import { showConsole } from "./show-metrics.ts";
import type { wireConsole } from "./wire.ts";

export interface RunningConsole {
  /** `http://127.0.0.1:8025` */
  readonly url: string;
  readonly port: number;
  readonly routes: readonly ConsoleRoute[];
  /** Says `bye` to all pages first. */
  close(): Promise<void>;
}

export interface RunConsoleOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly panel: RolePanel;
  readonly parts: Awaited<ReturnType<typeof wireConsole>>;
  readonly views: Views;
}

/** So many ports are tried from the configured one on. */
const mostPorts = 20;

/** Listens, and looks at the fleet until it is closed. @throws SyncError CONFIG_INVALID where no port can be had */
export async function runConsole({ config, clock, log, panel, parts, views }: RunConsoleOptions): Promise<RunningConsole> {
  const { sources, access, live, activity } = parts;
  const { listen, tls: tlsFiles, auth } = config.console;
  const tls = tlsFiles && (await readTlsPair(tlsFiles));
  const refusals = new RateLimiter({ count: 1, windowMs: 60_000 });
  const streams = new EventStreams((event) => ({ event, data: live.beat() }));
  const shown = showConsole(panel, { live, streams });
  const server = createConsoleServer({
    access,
    clock,
    log,
    names: ownNames(listen.host, config.console.hosts),
    importMapHash: views.set?.importMapHash,
    notice: views.set === undefined ? { styles: [] } : { styles: views.set.styles, entry: views.set.entry("notice") },
    proxies: proxiesOf(config.console),
    checkTransport: isLoopback(listen.host) ? () => undefined : transportCheck(config.console),
    ...(tls && { tls }),
    onRefused(request, { code }) {
      shown.refused(code);
      if (request.method === "GET" || request.method === "HEAD") return;
      log.warn({ ip: request.ip, route: request.routeOptions.url, code }, "a request was refused");
      // A viewer who tries is written down; whoever is not signed in has no name, and could fill the record.
      if (request.session === null || (code !== "FORBIDDEN" && code !== "READ_ONLY")) return;
      const { name } = request.session;
      const now = clock.monotonic();
      if (refusals.waitMs(name, now) > 0) return;
      refusals.count(name, now);
      activity
        .write({ who: name, by: "people", verb: verbOf(request.body), count: 0, outcome: "refused", words: "not allowed" })
        .catch(() => log.warn({}, "a refusal was not written down"));
    },
  });
  server.app.addHook("onResponse", async (_request, { statusCode }) => shown.answered(statusCode));
  live.onPatch((patch) => streams.send({ event: "patch", data: patch }));
  addPageRoutes(server, sources, access, views);
  addReadRoutes(server, sources, access, streams);
  addActionRoutes(server, new ActionDesk(parts.actions, (run) => streams.send({ event: "run", data: run })));
  if (sources.sandbox) addSandboxRoutes(server, sources.sandbox);
  const board = new QueueBoard(parts.queuesToLookAt);
  addBoardRoutes(server, board);
  const onSignedIn = (name: string): void => {
    activity
      .write({ who: name, by: "people", verb: "sign in", count: 1, outcome: "done", words: "signed in" })
      .catch(() => log.warn({}, "a sign-in was not written down"));
  };
  addLoginRoutes(server, access, { clock, log, onSignedIn });
  if (auth?.kind === "oidc") addOidcRoutes(server, { rule: auth, access, views, clock, log, onSignedIn });
  const port = await listenSomewhere(server.app, listen);
  if (port !== listen.port && listen.port !== 0)
    log.warn({ wanted: listen.port, port }, "the console's port is taken, it listens on the next free one");
  const reload = tlsFiles && tls && new TlsReload(tlsFiles, tls, log);
  // Fastify's type names the plain server.
  reload?.watch(server.app.server as unknown as TlsServer);
  const looking = live.run();
  const host = listen.host.includes(":") ? `[${listen.host}]` : listen.host === "0.0.0.0" ? "127.0.0.1" : listen.host;
  return {
    url: `${tls ? "https" : "http"}://${host}:${port}`,
    port,
    routes: server.routes,
    async close() {
      shown.drains();
      reload?.close();
      streams.close();
      live.close();
      await server.app.close();
      await board.close();
      await looking;
    },
  };
}

/** Of a refused request, as far as it can be read. */
function verbOf(body: unknown): ActionVerb {
  const given = typeof body === "object" && body !== null && "verb" in body ? body.verb : undefined;
  return actionVerbs.find((verb) => verb === given) ?? "try";
}

async function listenSomewhere(app: FastifyInstance, { host, port }: { readonly host: string; readonly port: number }): Promise<number> {
  for (let tried = port; ; tried++) {
    try {
      await app.listen({ host, port: tried });
      const address = app.server.address();
      return typeof address === "object" && address !== null ? address.port : tried;
    } catch (error) {
      const { code = "FAILED" } = error as { readonly code?: string };
      if (code === "EADDRINUSE" && port !== 0 && tried < port + mostPorts && tried < 65_535) continue;
      throw syncError("CONFIG_INVALID", `The console cannot listen on ${host}:${tried} (${code}). Set console.listen to another address.`, {
        layer: "engine",
      });
    }
  }
}
