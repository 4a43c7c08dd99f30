// Apart from what sends requests, because that loads a library of a hundred files, which a process that asks for no token has no use for.

/** What came back. Everything in it is data of an adversary. */
export interface HttpAnswer {
  readonly status: number;
  /** Decoded bytes as UTF-8, at most the limit. */
  readonly text: string;
  /** The Retry-After header as sent. */
  readonly retryAfter?: string;
  /** The Date header, epoch ms; whole seconds (RFC 9110 6.6.1). */
  readonly date?: number;
}

/** Why nothing came back: a word of our own, or Node's and undici's code. */
export class HttpProblem extends Error {
  readonly code: string;
  readonly layer: "network" | "tls";

  constructor(code: string, layer: "network" | "tls" = "network") {
    super(`http request failed: ${code}`);
    this.name = "HttpProblem";
    this.code = code;
    this.layer = layer;
  }
}

/** Loopback and link-local names and addresses: packets to them do not leave the machine and its hypervisor. */
export function isLocalHost(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^(?:127(?:\.\d{1,3}){3}|169\.254(?:\.\d{1,3}){2})$/.test(host);
}
