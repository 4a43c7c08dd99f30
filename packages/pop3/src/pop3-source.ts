import type { LookupFunction } from "node:net";
import {
  classifyPop3,
  createScrubber,
  isSyncError,
  limits,
  syncError,
  type AccessToken,
  type Clock,
  type Log,
  type MailboxRef,
  type MailSession,
  type MailSource,
  type SpoolKnown,
  type SyncError,
} from "@mailfleet/core";
import { isPop3Error, Pop3Client } from "./client/index.ts";
import { errorFacts } from "./pop3-facts.ts";
import type { FailurePlace } from "./message-reader.ts";
import { SpoolSession } from "./spool-session.ts";

/** Where a tenant's mail is. From the configuration only, never from Redis or a job. */
export interface Pop3Endpoint {
  readonly host: string;
  readonly port: number;
  /** Implicit TLS. False is for loopback addresses only (T10). */
  readonly tls: boolean;
  /** PEM; replaces the system's trust store for this tenant's hosts. */
  readonly ca?: string;
}

export interface Pop3SourceLimits {
  readonly connectMs: number;
  readonly greetingMs: number;
  /** From the first packet to the answer to STAT. */
  readonly openMs: number;
  readonly commandSilenceMs: number;
  /** A message larger than this, fetched whole, ends the session with MESSAGE_TOO_LARGE; see `describe` and `fetchStream`. */
  readonly literalBytes: number;
  /** A message in pieces. Above what the engine takes of one, so that it is the engine that says when it is enough. */
  readonly messageBytes: number;
  /** A header; the fields of a longer one are not looked at. */
  readonly headerBytes: number;
  /** What is left of a message that nobody wants is read over up to here; above it the connection is dropped. */
  readonly drainBytes: number;
  /** For QUIT where no message was read, which only ends the connection, and where it marks what was read. */
  readonly quitMs: number;
  readonly quitAfterReadingMs: number;
}

export const defaultPop3SourceLimits: Pop3SourceLimits = {
  connectMs: limits.connectMs,
  greetingMs: limits.greetingMs,
  openMs: 75_000,
  commandSilenceMs: limits.commandSilenceMs,
  literalBytes: limits.literalBytes,
  messageBytes: limits.messageBytes + 16 * 1024 * 1024,
  headerBytes: limits.parseHeaderBytes,
  drainBytes: 16 * 1024 * 1024,
  quitMs: 1_000,
  quitAfterReadingMs: 10_000,
};

export interface Pop3SourceOptions {
  /** By tenant alias. @throws SyncError for an unknown one */
  readonly endpoint: (tenant: string) => Pop3Endpoint;
  readonly log: Log;
  /** Sees every text of a server before it leaves this package; the session's own token is masked besides. */
  readonly scrub: (text: string) => string;
  readonly clock: Pick<Clock, "monotonic">;
  readonly limits?: Partial<Pop3SourceLimits>;
  /** In place of `dns.lookup`, which can hold a thread for minutes. */
  readonly lookUp: LookupFunction;
  /** Say QUIT also after messages were read. False: Exchange marks what was read as read at QUIT, so the connection is dropped. */
  readonly quits?: boolean;
}

type Phase = "connect" | "login" | "first-command" | FailurePlace["phase"];

/** Reads mailboxes as spools over POP3 with an app-only token (XOAUTH2), as Exchange Online speaks it. */
export function createPop3Source(options: Pop3SourceOptions): MailSource {
  const own: Pop3SourceLimits = { ...defaultPop3SourceLimits, ...options.limits };
  return {
    async open(mailbox: MailboxRef, token: AccessToken, signal: AbortSignal, known?: SpoolKnown): Promise<MailSession> {
      const endpoint = options.endpoint(mailbox.tenant);
      needTls(endpoint);
      const secret = token.value.reveal();
      let scrubToken: ((text: string) => string) | undefined;
      // Made on the first failure: its patterns cost more than a login.
      const scrub = (text: string): string => options.scrub((scrubToken ??= createScrubber([secret]))(text));
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), own.openMs);
      let phase: Phase = "connect";
      let client: Pop3Client | undefined;
      const toFailure = (error: unknown, at: { readonly phase: Phase; readonly uid?: number | undefined }): SyncError =>
        deadline.signal.aborted ? tooLong(at.phase) : failureOf(error, at, signal);
      try {
        client = await Pop3Client.connect({
          host: endpoint.host,
          port: endpoint.port,
          tls: endpoint.tls && { ca: endpoint.ca },
          lookup: options.lookUp,
          clock: options.clock,
          scrub,
          signal: AbortSignal.any([signal, deadline.signal]),
          timeouts: { connectMs: own.connectMs, greetingMs: own.greetingMs, silenceMs: own.commandSilenceMs },
          limits: { messageBytes: own.messageBytes, drainBytes: own.drainBytes },
        });
        phase = "login";
        await client.authenticate(mailbox.address, secret);
        phase = "first-command";
        // Exchange says +OK to AUTH also where it refuses everything behind it as not connected: this is the proof of access.
        const { messages: count } = await client.stat();
        return new SpoolSession({ client, count, known, quits: options.quits === true, limits: own, log: options.log, toFailure });
      } catch (error) {
        client?.close();
        throw toFailure(error, { phase });
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function needTls({ tls, host }: Pop3Endpoint): void {
  if (tls || /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host)) return;
  throw syncError("CONFIG_INVALID", `POP3 without TLS is allowed for loopback addresses only, not for ${host}`, { layer: "pop3" });
}

function tooLong(phase: Phase): SyncError {
  const facts = { layer: "pop3", code: "Silent", text: "The login took too long", phase } as const;
  const { code, message } = classifyPop3(facts);
  return syncError(code, message, facts);
}

function failureOf(
  error: unknown,
  { phase, uid }: { readonly phase: Phase; readonly uid?: number | undefined },
  signal: AbortSignal,
): SyncError {
  if (isSyncError(error)) return error;
  const isInMailbox = phase === "command" || phase === "fetch";
  const place = { phase, ...(isInMailbox && { folder: "INBOX" }), ...(uid !== undefined && uid > 0 && { uid }) };
  if (!isPop3Error(error)) return syncError("INVARIANT", "POP3 failed in a way that it has no error for", { layer: "pop3", ...place });
  if (error.kind === "aborted") {
    const reason: unknown = signal.reason;
    return isSyncError(reason) ? reason : syncError("INTERRUPTED", "The work on the mailbox was stopped", { layer: "pop3", ...place });
  }
  const facts = errorFacts(error, place);
  if (error.kind === "usage") return syncError("INVARIANT", error.message, facts);
  const { code, message } = classifyPop3(facts);
  return syncError(code, message, facts);
}
