import type { Config } from "@mailfleet/config";
import { type Clock, type Log, syncError } from "@mailfleet/core";
import type { FastifyInstance } from "fastify";
import { createConsoleServer } from "./http/console-server.ts";
import { EventStreams } from "./http/event-streams.ts";
import { addLoginRoutes } from "./http/login-routes.ts";
import { addPageRoutes } from "./http/page-routes.ts";
import { addReadRoutes } from "./http/read-routes.ts";
import { ownNames } from "./http/request-checks.ts";
import type { Views } from "./http/views.ts";
import type { wireConsole } from "./wire.ts";

export interface RunningConsole {
  /** `http://127.0.0.1:8025` */
  readonly url: string;
  readonly port: number;
  /** Says `bye` to all pages first. */
  close(): Promise<void>;
}

export interface RunConsoleOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly parts: Awaited<ReturnType<typeof wireConsole>>;
  readonly views: Views;
}

/** So many ports are tried from the configured one on. */
const mostPorts = 20;

/** Listens, and looks at the fleet until it is closed. @throws SyncError CONFIG_INVALID where no port can be had */
export async function runConsole({ config, clock, log, parts, views }: RunConsoleOptions): Promise<RunningConsole> {
  const { sources, access, live, activity } = parts;
  const { listen } = config.console;
  const server = createConsoleServer({
    access,
    clock,
    log,
    names: ownNames(listen.host, []),
    importMapHash: views.set?.importMapHash,
    proxies: [],
    onRefused: (request, { code }) => log.warn({ from: request.ip, route: request.routeOptions.url, code }, "a request was refused"),
  });
  const streams = new EventStreams((event) => ({ event, data: live.beat() }));
  live.onPatch((patch) => streams.send({ event: "patch", data: patch }));
  addPageRoutes(server, sources, access, views);
  addReadRoutes(server, sources, access, streams);
  addLoginRoutes(server, access, {
    clock,
    log,
    onSignedIn(name) {
      activity
        .write({ who: name, by: "people", verb: "sign in", count: 1, outcome: "done", words: "signed in" })
        .catch(() => log.warn({}, "a sign-in was not written down"));
    },
  });
  const port = await listenSomewhere(server.app, listen);
  if (port !== listen.port && listen.port !== 0)
    log.warn({ wanted: listen.port, port }, "the console's port is taken, it listens on the next free one");
  const looking = live.run();
  const host = listen.host.includes(":") ? `[${listen.host}]` : listen.host === "0.0.0.0" ? "127.0.0.1" : listen.host;
  return {
    url: `http://${host}:${port}`,
    port,
    async close() {
      streams.close();
      live.close();
      await server.app.close();
      await looking;
    },
  };
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
