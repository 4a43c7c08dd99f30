import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { TokenRefusal } from "./token-refusal.ts";

/** Between the text of an error and its trace, and between the parts of that: CR LF in older deployments, a space in newer ones. */
export type Gap = "\r\n" | " ";

export function sendJson(response: ServerResponse, status: number, body: object, headers: Readonly<Record<string, string>> = {}): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store, no-cache",
    pragma: "no-cache",
    "x-ms-request-id": randomUUID(),
    ...headers,
  });
  response.end(text);
}

export function sendHtml(response: ServerResponse, status: number, text: string, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { "content-type": "text/html; charset=utf-8", ...headers });
  response.end(`<!DOCTYPE html>\n<html><head><title>${String(status)}</title></head><body>${text}</body></html>\n`);
}

/** @param now the server's clock, ms since 1970 */
export function refusalBody(refusal: TokenRefusal, gap: Gap, now: number): object {
  const traceId = randomUUID();
  const correlationId = randomUUID();
  const timestamp = `${new Date(now).toISOString().slice(0, 19).replace("T", " ")}Z`;
  return {
    error: refusal.error,
    error_description: `AADSTS${String(refusal.code)}: ${refusal.text}${gap}Trace ID: ${traceId}${gap}Correlation ID: ${correlationId}${gap}Timestamp: ${timestamp}`,
    error_codes: [refusal.code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${String(refusal.code)}`,
    ...(refusal.suberror !== undefined && { suberror: refusal.suberror }),
    ...(refusal.claims !== undefined && { claims: refusal.claims }),
  };
}
