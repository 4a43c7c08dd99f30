import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Log, syncError } from "@mailfleet/core";
import type { RoleHealth } from "./role-health.ts";
import type { RoleMetrics } from "./role-metrics.ts";

export interface RoleServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly metrics: Pick<RoleMetrics, "read">;
  readonly health: () => RoleHealth;
  readonly log: Log;
}

export interface RoleServer {
  /** The one that was asked for, or which it became where 0 was. */
  readonly port: number;
  close(): void;
}

/** A scraper is one or two; more is somebody who holds connections open. */
const mostConnections = 32;
const requestMs = 10_000;

/**
 * `/metrics` for Prometheus, `/healthz` (restart me if this is not 200) and `/readyz` (I do my work now) of one role.
 * Says nothing but numbers and sentences about the process; whoever can reach it can read it.
 * @throws SyncError CONFIG_INVALID when the address cannot be had
 */
export async function startRoleServer({ listen, metrics, health, log }: RoleServerOptions): Promise<RoleServer> {
  const server = createServer(
    { requestTimeout: requestMs, headersTimeout: requestMs, keepAliveTimeout: requestMs },
    (request, response) => {
      answer(request, metrics, health).then(
        (page) => send(response, page),
        (error: unknown) => {
          log.warn({ err: error }, "the metrics could not be read");
          send(response, { status: 503, type: plain, body: "The metrics could not be read now; the log says why.\n" });
        },
      );
    },
  );
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, resolve);
  }).catch((error: unknown) => {
    const code = (error as { code?: string }).code;
    const why =
      code === "EADDRINUSE" ? "is in use by another program" : code === "EACCES" ? "may not be used by this user" : "cannot be had";
    const where = `${listen.host}:${listen.port}`;
    throw syncError("CONFIG_INVALID", `metrics.listen: ${where} ${why}. Set another one there, or in MAILFLEET_METRICS_LISTEN.`, {
      layer: "engine",
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const plain = "text/plain; charset=utf-8";

async function answer(request: IncomingMessage, metrics: Pick<RoleMetrics, "read">, health: () => RoleHealth): Promise<Page> {
  if (request.method !== "GET" && request.method !== "HEAD") return { status: 405, type: plain, body: "Only GET.\n" };
  switch (request.url?.split("?")[0]) {
    case "/metrics": {
      const { contentType, text } = await metrics.read();
      return { status: 200, type: contentType, body: text };
    }
    case "/healthz": {
      const { isAlive, problems } = health();
      return { status: isAlive ? 200 : 503, type: plain, body: words(isAlive ? "alive" : "stuck", problems) };
    }
    case "/readyz": {
      const { isReady, problems } = health();
      return { status: isReady ? 200 : 503, type: plain, body: words(isReady ? "ready" : "not ready", problems) };
    }
    default:
      return { status: 404, type: plain, body: "There are /metrics, /healthz and /readyz.\n" };
  }
}

function words(first: string, problems: readonly string[]): string {
  return `${[first, ...problems].join("\n")}\n`;
}

function send(response: ServerResponse, { status, type, body }: Page): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store", "x-content-type-options": "nosniff" });
  response.end(response.req.method === "HEAD" ? undefined : body);
}
