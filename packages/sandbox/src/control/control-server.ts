import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { answerControl, type ControlReply } from "./control-requests.ts";
import type { Sandbox } from "../start-sandbox.ts";
import { readBody } from "../read-body.ts";

/** A mail in base64 may be long; nothing else is. */
const maxBodyBytes = 64 * 1024 * 1024;

/**
 * The sandbox's own HTTP, for tests and the command line; never that of a Microsoft service. It hands out mail, secrets and faults, so it
 * listens on loopback alone, wants a token that only the owner's files have, and refuses whatever a browser sends (T74): a page could
 * otherwise reach it through the person who reads it.
 */
export function createControlServer(token: string, sandbox: () => Sandbox): Server {
  return createServer((request, response) => {
    handle(token, sandbox, request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
}

async function handle(token: string, sandbox: () => Sandbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const refusal = refuseCaller(token, request);
  if (refusal) return send(response, refusal);
  const body = await readBody(request, maxBodyBytes);
  if (body === undefined) return send(response, { status: 413, body: { problems: ["that is too long"] } });
  const url = new URL(request.url ?? "/", "http://localhost");
  send(response, answerControl(sandbox(), { method: request.method ?? "", url, body }));
}

function refuseCaller(token: string, { headers }: IncomingMessage): ControlReply | undefined {
  // A name that is not this machine's came from a browser that was led here (DNS rebinding).
  const isLocal = /^(localhost|127\.0\.0\.1)(:[0-9]+)?$/.test(headers.host ?? "");
  if (!isLocal || headers.origin !== undefined || headers["sec-fetch-site"] !== undefined)
    return { status: 403, body: { problems: ["the control API answers programs on this machine, not browsers"] } };
  const given = Buffer.from(/^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "");
  const wanted = Buffer.from(token);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    return { status: 401, body: { problems: ["the token of control.json is missing: Authorization: Bearer TOKEN"] } };
  return undefined;
}

function send(response: ServerResponse, { status, body }: ControlReply): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", "cache-control": "no-store", connection: "close" });
  response.end(`${JSON.stringify(body)}\n`);
}
