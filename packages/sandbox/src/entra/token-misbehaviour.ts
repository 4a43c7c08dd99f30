import type { ServerResponse } from "node:http";
import { createGzip } from "node:zlib";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { FaultBook } from "../faults/fault-book.ts";
import type { ActiveFault } from "../faults/fault-spec.ts";
import { answerFaults } from "../faults/token-faults.ts";
import { type Gap, refusalBody, sendHtml, sendJson } from "./token-answers.ts";
import { refusalOf } from "./token-refusal.ts";

/** One request as far as faults are concerned. */
export interface FaultyRequest {
  /** Undefined for a tenant that is not there. */
  readonly tenant: string | undefined;
  /** As the client sent it. */
  readonly body: string;
  readonly clientId: string | undefined;
  /** The server's clock, ms since 1970. */
  readonly now: number;
  /** What stands between an error's text and its trace, for this answer. */
  readonly gap: Gap;
}

const answerFaultNames = Object.keys(answerFaults) as (keyof typeof answerFaults)[];

/** Answers in place of the endpoint where a fault says so; false where none does. */
export async function misbehave(faults: Pick<FaultBook, "strike">, request: FaultyRequest, response: ServerResponse): Promise<boolean> {
  for (const name of answerFaultNames) {
    const fault = faults.strike(name, request.tenant === undefined ? {} : { tenant: request.tenant });
    if (!fault) continue;
    await answerWrongly(name, fault, request, response);
    return true;
  }
  return false;
}

async function answerWrongly(
  name: keyof typeof answerFaults,
  fault: ActiveFault,
  request: FaultyRequest,
  response: ServerResponse,
): Promise<void> {
  switch (name) {
    case "token-stall":
      return;
    case "token-reset":
      return reset(fault, response);
    case "token-redirect":
      response.writeHead(fault.number("status"), { location: fault.word("to") }).end();
      return;
    case "token-html":
      return sendHtml(response, fault.number("status"), "<h1>Sign in to the guest network</h1>");
    case "token-empty":
      return sendJson(response, 200, {});
    case "token-drip":
      return drip(fault.number("everyMs"), response);
    case "token-large":
      return sendLarge(fault.number("bytes"), fault.flag("gzip"), response);
    case "token-echo":
      return echo(fault, request, response);
    case "token-429":
      return tooMany(fault, request, response);
    case "token-5xx":
      return broken(fault, request, response);
    case "token-error":
      return refuse(fault, request, response);
  }
}

function reset(fault: ActiveFault, response: ServerResponse): void {
  if (fault.word("at") === "answer") {
    response.writeHead(200, { "content-type": "application/json", "content-length": 2_000 });
    response.write('{"token_type":"Bearer","expires_in":3599,"access_', () => response.destroy());
    return;
  }
  response.destroy();
}

function drip(everyMs: number, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  const timer = setInterval(() => response.write(" "), everyMs);
  response.on("close", () => clearInterval(timer));
}

const blockBytes = 65_536;

/** Made as it is sent: never in memory. */
async function sendLarge(bytes: number, isGzip: boolean, response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "application/json", ...(isGzip && { "content-encoding": "gzip" }) });
  const block = Buffer.alloc(blockBytes, "A");
  const source = Readable.from(
    (function* () {
      yield '{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ0.eyJ0.AAAA","padding":"';
      for (let left = bytes; left > 0; left -= blockBytes) yield block.subarray(0, Math.min(left, blockBytes));
      yield '"}';
    })(),
    { objectMode: false },
  );
  try {
    await (isGzip ? pipeline(source, createGzip(), response) : pipeline(source, response));
  } catch {
    // The client had enough, as it should.
  }
}

/** T01: an endpoint, or a proxy before it, that shows what it got. */
function echo(fault: ActiveFault, { body, now, gap }: FaultyRequest, response: ServerResponse): void {
  if (fault.word("as") === "html") {
    const safe = body.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    return sendHtml(response, 502, `<h1>Bad gateway</h1><pre>POST body: ${safe}\n${decoded(body)}</pre>`);
  }
  const refusal = refusalOf(fault.number("code"), { value: "grant_type" });
  const text = `${refusal.text} Request: ${body} (${decoded(body)})`;
  sendJson(response, refusal.status, refusalBody({ ...refusal, text }, gap, now));
}

/** The values as they were before they were encoded. */
function decoded(body: string): string {
  return [...new URLSearchParams(body)].map(([name, value]) => `${name}=${value}`).join(", ");
}

function tooMany(fault: ActiveFault, { now, gap }: FaultyRequest, response: ServerResponse): void {
  const seconds = fault.number("seconds");
  const headers = retryAfter(fault.word("retryAfter"), seconds, now);
  if (fault.word("body") === "empty") {
    response.writeHead(429, headers).end();
    return;
  }
  sendJson(response, 429, refusalBody(refusalOf(90055), gap, now), headers);
}

function retryAfter(how: string, seconds: number, now: number): Record<string, string> {
  if (how === "none") return {};
  return { "retry-after": how === "date" ? new Date(now + seconds * 1000).toUTCString() : String(seconds) };
}

function broken(fault: ActiveFault, { now, gap }: FaultyRequest, response: ServerResponse): void {
  const status = fault.number("status");
  const headers = retryAfter(fault.number("seconds") === 0 ? "none" : "seconds", fault.number("seconds"), now);
  switch (fault.word("body")) {
    case "html":
      return sendHtml(response, status, "<h1>Service unavailable</h1><p>Our services aren't available right now.</p>", headers);
    case "empty":
      response.writeHead(status, headers).end();
      return;
    default:
      return sendJson(response, status, refusalBody(refusalOf(90033), gap, now), headers);
  }
}

function refuse(fault: ActiveFault, { tenant, clientId, now, gap: turn }: FaultyRequest, response: ServerResponse): void {
  const listed = refusalOf(fault.number("code"), { tenant, app: clientId, reason: "The key was not found." });
  const status = fault.number("status") === 0 ? listed.status : fault.number("status");
  const error = fault.word("error") === "" ? listed.error : fault.word("error");
  const spacing = fault.word("spacing");
  const gap = spacing === "lines" ? "\r\n" : spacing === "spaces" ? " " : turn;
  sendJson(response, status, refusalBody({ ...listed, error }, gap, now));
}
