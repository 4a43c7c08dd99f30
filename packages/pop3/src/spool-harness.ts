import { lookup } from "node:dns";
import {
  type FetchedMessage,
  type MailboxRef,
  type MailSession,
  Secret,
  type SpoolKnown,
  type StreamedMessage,
  type SyncError,
} from "@mailfleet/core";
import {
  eachMessage,
  recordingLog,
  startScriptedServer,
  type RecordingLog,
  type ScriptedServer,
  type ScriptStep,
} from "@mailfleet/testkit";
import { expect } from "vitest";
import { allowed, canary, pipeliningCapa, greeting, login, user } from "./client/transcript-harness.ts";
import { createPop3Source, type Pop3SourceOptions } from "./index.ts";

/* For the transcript tests of the spool session only. */

export interface SpoolConversation extends AsyncDisposable {
  readonly server: ScriptedServer;
  readonly log: RecordingLog;
  /** Logs in, and STAT. */
  open(known?: SpoolKnown, signal?: AbortSignal): Promise<MailSession>;
}

const mailbox: MailboxRef = { tenant: "contoso", address: user, protocol: "pop3" };

/** Starts the script, and stops it when the test is over. */
export async function converse(script: readonly ScriptStep[], more: Partial<Pop3SourceOptions> = {}): Promise<SpoolConversation> {
  const server = await startScriptedServer([script]);
  const log = recordingLog();
  const sessions: MailSession[] = [];
  const source = createPop3Source({
    endpoint: () => ({ host: server.host, port: server.port, tls: false }),
    log,
    scrub: (text) => text,
    clock: { monotonic: () => performance.now() },
    lookUp: lookup,
    ...more,
    // Scripts that stall answer no QUIT.
    limits: { quitMs: 20, ...more.limits },
  });
  return {
    server,
    log,
    async open(known, signal = new AbortController().signal) {
      const session = await source.open(mailbox, { value: new Secret(canary), expiresAt: Date.now() + 3_600_000 }, signal, known);
      sessions.push(session);
      return session;
    },
    async [Symbol.asyncDispose]() {
      for (const session of sessions) await session.close();
      await server.stop();
      expect(server.received.filter((line) => !allowed.test(line))).toEqual([]);
    },
  };
}

/** As Exchange answers, up to STAT. */
export function loggedIn(messages: number): readonly ScriptStep[] {
  return [...login, ...stat(messages)];
}

/** The same of a server that takes several commands at once. */
export function loggedInPipelining(messages: number): readonly ScriptStep[] {
  return [greeting, ...pipeliningCapa, ...login.slice(3), ...stat(messages)];
}

function stat(messages: number): readonly ScriptStep[] {
  return [{ expect: /^STAT$/ }, { send: `+OK ${messages} ${messages * 100}\r\n` }];
}

/** UIDL. */
export function list(uidls: readonly string[]): readonly ScriptStep[] {
  return [{ expect: /^UIDL$/ }, { send: `+OK\r\n${uidls.map((uidl, at) => `${at + 1} ${uidl}\r\n`).join("")}.\r\n` }];
}

/** The failure of a promise that must fail. */
export async function failureOf(work: Promise<unknown>): Promise<SyncError["failure"]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error && "failure" in error) return (error as SyncError).failure;
    throw error;
  }
  throw new Error("it did not fail");
}

/** What RETR and TOP are answered. */
export const retrieved = (text: string): string => `+OK\r\n${text}\r\n.\r\n`;

/** UIDs and bytes, as latin1. */
export async function collect(fetched: AsyncIterable<readonly FetchedMessage[]>): Promise<readonly [number, string][]> {
  const all: [number, string][] = [];
  for await (const { uid, bytes } of eachMessage(fetched)) all.push([uid, Buffer.from(bytes).toString("latin1")]);
  return all;
}

export async function opened(session: MailSession): Promise<MailSession> {
  await session.open("INBOX");
  return session;
}

export async function joinedPieces(message: StreamedMessage | undefined): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of message?.pieces ?? []) all.push(piece);
  return Buffer.concat(all);
}
