import { connect as connectPlain, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { Pop3Error } from "./pop3-error.ts";

export interface Pop3TlsOptions {
  /** PEM; replaces the system's trust store. */
  readonly ca?: string | undefined;
  /** The name that the certificate must have; the host when left out. */
  readonly servername?: string | undefined;
}

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte, 1.2 or newer. False is for loopback addresses only: the token would go in the clear. */
  readonly tls: boolean | Pop3TlsOptions;
  /** In place of `dns.lookup`. */
  readonly lookup?: LookupFunction | undefined;
}

/** Begins to connect. The socket says `ready` by the event that `readyEvent` names. */
export function dial(options: DialOptions): { readonly socket: Socket; readonly readyEvent: "connect" | "secureConnect" } {
  const { host, port, tls, lookup } = options;
  const to = { host, port, ...(lookup !== undefined && { lookup }) };
  if (tls === false) {
    if (!isLoopback(host)) throw new Pop3Error({ kind: "usage", during: "connect", problem: "argument", isOver: true });
    return { socket: connectPlain({ ...to, noDelay: true }), readyEvent: "connect" };
  }
  const { ca, servername = nameOf(host) } = tls === true ? {} : tls;
  const socket = connectTls({
    ...to,
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    ...(ca !== undefined && { ca }),
    ...(servername !== undefined && { servername }),
  });
  socket.setNoDelay(true);
  return { socket, readyEvent: "secureConnect" };
}

/** Node tells the server the name only where it is given one; an address is none. */
function nameOf(host: string): string | undefined {
  return isIP(host) === 0 ? host : undefined;
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}

const tlsCode = /^(ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO$)/;

/** Node's error by allow-list: its code, and its message, which names the host and what is wrong. Nothing else of it is kept. */
export function networkError(error: unknown, during: string, scrub: (text: string) => string): Pop3Error {
  const from = typeof error === "object" && error !== null ? (error as Record<string, unknown>) : {};
  const given = from["code"];
  const code = typeof given === "string" && /^[A-Z][A-Z0-9_]{1,59}$/.test(given) ? given : undefined;
  const message = from["message"];
  return new Pop3Error({
    kind: code !== undefined && tlsCode.test(code) ? "tls" : "network",
    during,
    code,
    text: typeof message === "string" && message !== "" ? scrub(message) : undefined,
    isOver: true,
  });
}
