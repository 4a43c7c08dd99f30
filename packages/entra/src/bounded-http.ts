import { Agent, fetch } from "undici";
import { type HttpAnswer, HttpProblem, isLocalHost } from "./http-words.ts";

export interface BoundedHttpOptions {
  /** Instead of the built-in certificate authorities. */
  readonly caPem?: string;
  /** Whole request, the last byte of the answer included. */
  readonly requestMs: number;
  /** Decoded: a gzip bomb of 194 kB has 200 MB inside (T08). */
  readonly responseBytes: number;
}

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Present: POST over https. Absent: GET, which may also be plain http to this machine and its hypervisor. */
  readonly body?: string;
}

export interface BoundedHttp {
  /** @throws HttpProblem */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** Ends what is under way. Never throws. */
  close(): Promise<void>;
}

/**
 * HTTP as a credential may be sent: https only, no redirect is followed (a 307 would carry the secret on, T07), no cookies, TLS 1.2
 * or newer with certificates checked whatever the environment says, bounded in time and in decoded bytes (T08).
 */
export function createBoundedHttp(options: BoundedHttpOptions): BoundedHttp {
  const stop = new AbortController();
  const agent = new Agent({
    connect: { rejectUnauthorized: true, minVersion: "TLSv1.2", ...(options.caPem !== undefined && { ca: options.caPem }) },
    // One request an hour: a kept connection would only be found dead.
    pipelining: 0,
    allowH2: false,
  });

  return {
    async send({ url, headers, body }) {
      if (!isAllowed(url, body !== undefined)) throw new HttpProblem("NOT_HTTPS");
      const timeout = AbortSignal.timeout(options.requestMs);
      const signal = AbortSignal.any([timeout, stop.signal]);
      try {
        const response = await fetch(url, {
          method: body === undefined ? "GET" : "POST",
          headers,
          ...(body !== undefined && { body }),
          redirect: "error",
          credentials: "omit",
          signal,
          dispatcher: agent,
        });
        const text = await readBounded(response.body, options.responseBytes);
        const retryAfter = response.headers.get("retry-after");
        const date = Date.parse(response.headers.get("date") ?? "");
        return { status: response.status, text, ...(retryAfter !== null && { retryAfter }), ...(Number.isFinite(date) && { date }) };
      } catch (error) {
        if (error instanceof HttpProblem) throw error;
        if (stop.signal.aborted) throw new HttpProblem("CLOSED");
        if (timeout.aborted) throw new HttpProblem("TIMEOUT");
        throw problemOf(error);
      }
    },
    async close() {
      stop.abort();
      await agent.destroy().catch(() => undefined);
    },
  };
}

function isAllowed(url: string, isPost: boolean): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || (protocol === "http:" && !isPost && isLocalHost(hostname));
}

async function readBounded(body: ReadableStream<Uint8Array> | null, limit: number): Promise<string> {
  if (!body) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop by an exception cancels the stream, and with it the connection.
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw new HttpProblem("ANSWER_TOO_LARGE");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Only codes travel: messages of foreign errors may hold what was sent (T02). */
function problemOf(error: unknown): HttpProblem {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    if (current.message === "unexpected redirect") return new HttpProblem("REDIRECT");
    const code = "code" in current ? current.code : undefined;
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]{2,63}$/.test(code)) return new HttpProblem(code, isTlsCode(code) ? "tls" : "network");
    current = current instanceof AggregateError && !current.cause ? current.errors[0] : current.cause;
  }
  return new HttpProblem("NETWORK");
}

function isTlsCode(code: string): boolean {
  return /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/.test(code);
}
