import { limits, syncError } from "@mailfleet/core";
import type { LookupFunction } from "node:net";
import type { ImapFlowOptions } from "imapflow";
import type { TlsBeginning } from "./tls-memory.ts";

/** Where a tenant's mail is. From the configuration only, never from Redis or a job. */
export interface ImapEndpoint {
  readonly host: string;
  readonly port: number;
  /** Implicit TLS. False is for loopback addresses only (T10). */
  readonly tls: boolean;
  /** PEM; replaces the system's trust store for this tenant's hosts. */
  readonly ca?: string;
}

export interface ImapLimits {
  readonly connectMs: number;
  readonly greetingMs: number;
  /** From the first packet to the answer of the first command. */
  readonly openMs: number;
  readonly commandSilenceMs: number;
  /** A message larger than this, fetched whole, ends the session with MESSAGE_TOO_LARGE; see `describe` and `fetchStream`. */
  readonly literalBytes: number;
  /** One piece of `fetchStream`. */
  readonly pieceBytes: number;
  /** A line without literals. */
  readonly lineBytes: number;
  readonly commandLineBytes: number;
}

export const defaultImapLimits: ImapLimits = {
  connectMs: limits.connectMs,
  greetingMs: limits.greetingMs,
  openMs: 75_000,
  commandSilenceMs: limits.commandSilenceMs,
  literalBytes: limits.literalBytes,
  pieceBytes: limits.pieceBytes,
  // A SEARCH over `listingUids` numbers of ten digits is 550 kB.
  lineBytes: 4 * 1024 * 1024,
  commandLineBytes: limits.commandLineBytes,
};

/** Everything of imapflow's that acts by itself is off, every limit is ours: its own are gigabytes. */
export function flowOptions(
  endpoint: ImapEndpoint,
  clientInfo: Readonly<Record<string, string>>,
  own: ImapLimits,
  lookUp: LookupFunction,
  begun: TlsBeginning | undefined,
): ImapFlowOptions {
  needTls(endpoint);
  const trust = begun?.options ?? { minVersion: "TLSv1.2" as const, ...(endpoint.ca !== undefined && { ca: endpoint.ca }) };
  return {
    host: endpoint.host,
    port: endpoint.port,
    secure: endpoint.tls,
    doSTARTTLS: false,
    tls: { rejectUnauthorized: true, lookup: lookUp, ...trust },
    // The empty ones replace what imapflow tells about itself.
    clientInfo: { version: "", vendor: "", "support-url": "", ...clientInfo },
    disableAutoIdle: true,
    disableAutoEnable: true,
    disableIMAP4rev2: true,
    disableCompression: true,
    disableBinary: true,
    connectionTimeout: own.connectMs,
    greetingTimeout: own.greetingMs,
    socketTimeout: own.commandSilenceMs,
    maxLiteralSize: own.literalBytes,
    maxLineLength: own.lineBytes,
    maxResponseSize: own.literalBytes + own.lineBytes,
    maxResponseTokens: 20_000,
    maxLockHoldTime: false,
  };
}

/** @throws SyncError CONFIG_INVALID where a token would leave the machine in the clear (T10) */
export function needTls({ host, tls }: ImapEndpoint): void {
  if (tls || isLoopback(host)) return;
  throw syncError("CONFIG_INVALID", `IMAP without TLS is allowed for loopback addresses only, not for ${host}`, { layer: "imap" });
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);
}
