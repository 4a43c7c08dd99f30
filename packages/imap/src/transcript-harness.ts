import { lookup } from "node:dns";
import { Secret, type FolderStatus, type LookFolder, type MailboxRef, type MailSession, type SyncError } from "@mailfleet/core";
import { expect } from "vitest";
import { recordingLog, startScriptedServer, type RecordingLog, type ScriptedServer, type ScriptStep } from "@mailfleet/testkit";
import { createImapSource, type ImapLimits } from "./index.ts";

/* For the transcript tests of this package only. */

export const canary = `eyJ0eXAi.${"canary0123".repeat(12)}.sig`;

export const greeting: ScriptStep = {
  send: "* OK The Microsoft Exchange IMAP4 service is ready. [RgBSADMAUAAyADgAMQBDAEEAMAAxADUANwAuAC4ALgA=]\r\n",
};

const capabilities = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";

export const beforeLogin: readonly ScriptStep[] = [
  greeting,
  { expect: /^(\w+) CAPABILITY$/ },
  { send: `* CAPABILITY ${capabilities}\r\n$1 OK CAPABILITY completed.\r\n` },
  { expect: /^(\w+) ID \("name" "mailfleet"\)$/ },
  { send: '* ID ("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")\r\n$1 OK ID completed\r\n' },
  { expect: /^(\w+) AUTHENTICATE XOAUTH2 \S+$/ },
];

/** As Exchange's classic front end answers it, through NAMESPACE. */
export const login: readonly ScriptStep[] = [
  ...beforeLogin,
  { send: "$1 OK AUTHENTICATE completed.\r\n" },
  { expect: /^(\w+) NAMESPACE$/ },
  { send: '* NAMESPACE (("" "/")) NIL NIL\r\n$1 OK NAMESPACE completed.\r\n' },
];

/** As Dovecot: what the server can do comes with its OK to the login. */
export function loginTelling(offered: string): readonly ScriptStep[] {
  return [
    ...beforeLogin,
    { send: `$1 OK [CAPABILITY IMAP4rev1 SASL-IR NAMESPACE ${offered}] Logged in\r\n` },
    { expect: /^(\w+) NAMESPACE$/ },
    { send: '* NAMESPACE (("" "/")) NIL NIL\r\n$1 OK Namespace completed.\r\n' },
  ];
}

export const examine: readonly ScriptStep[] = [
  { expect: /^(\w+) EXAMINE "INBOX"$/ },
  {
    send:
      "* 3 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)\r\n" +
      "* OK [UIDVALIDITY 170535] UIDVALIDITY value\r\n* OK [UIDNEXT 13] The next unique identifier value\r\n" +
      "$1 OK [READ-ONLY] EXAMINE completed.\r\n",
  },
];

export const stall: ScriptStep = { stall: true };

export function ask(command: RegExp, answer: string): readonly ScriptStep[] {
  return [{ expect: command }, { send: answer }];
}

export function literal(uid: number, body: string, seq = uid): string {
  return `* ${seq} FETCH (UID ${uid} FLAGS (\\Seen) INTERNALDATE "17-Jul-2026 02:44:25 +0000" BODY[] {${Buffer.byteLength(body)}}\r\n${body})\r\n`;
}

export interface Conversation {
  readonly server: ScriptedServer;
  readonly log: RecordingLog;
  open(signal?: AbortSignal): Promise<MailSession>;
  look(
    folders: readonly (string | LookFolder)[],
    more?: { readonly hasModSeq?: boolean; readonly signal?: AbortSignal },
  ): Promise<readonly FolderStatus[] | undefined>;
}

/** What may be sent at all (T13): nothing that changes a mailbox, and no body without PEEK. */
const allowed =
  /^(DONE$|C CAPABILITY$|A AUTHENTICATE XOAUTH2( \S+)?$|S\d+ STATUS "[^\r\n]*" \([A-Z ]+\)$|[0-9A-F]+ (CAPABILITY|ID \(.*\)|AUTHENTICATE XOAUTH2 \S+|NAMESPACE|LIST "" "\*?"|STATUS "[^"\r\n]*" \([A-Z ]+\)|EXAMINE ".*"|IDLE|UID SEARCH UID \d+:\d+|UID FETCH \d+:\d+ \(UID FLAGS\)( \(CHANGEDSINCE \d+\))?|UID FETCH [\d:,]+ \((UID RFC822\.SIZE INTERNALDATE|UID FLAGS INTERNALDATE RFC822\.SIZE BODY\.PEEK\[HEADER\.FIELDS \([A-Z -]+\)\]|UID FLAGS INTERNALDATE BODY\.PEEK\[\](<\d+\.\d+>)?)\))$)/;

const mailbox: MailboxRef = { tenant: "contoso", address: "ann@contoso.example", protocol: "imap" };

/** Starts the script, and stops it when the test is over. */
export async function converse(
  script: readonly ScriptStep[] | readonly (readonly ScriptStep[])[],
  limits: Partial<ImapLimits> = {},
): Promise<Conversation & AsyncDisposable> {
  const isOne = script.length === 0 || !Array.isArray(script[0]);
  const server = await startScriptedServer(isOne ? [script as readonly ScriptStep[]] : (script as readonly (readonly ScriptStep[])[]));
  const log = recordingLog();
  const source = createImapSource({
    endpoint: () => ({ host: server.host, port: server.port, tls: false }),
    log,
    scrub: (text) => text,
    clock: { monotonic: () => performance.now() },
    lookUp: lookup,
    limits: { connectMs: 20_000, greetingMs: 20_000, openMs: 30_000, commandSilenceMs: 20_000, ...limits },
  });
  const sessions: MailSession[] = [];
  return {
    server,
    log,
    async open(signal = new AbortController().signal) {
      const session = await source.open(mailbox, { value: new Secret(canary), expiresAt: Date.now() + 3_600_000 }, signal);
      sessions.push(session);
      return session;
    },
    async look(folders, { hasModSeq = false, signal = new AbortController().signal } = {}) {
      const token = { value: new Secret(canary), expiresAt: Date.now() + 3_600_000 };
      return await source.look?.(mailbox, token, signal, {
        folders: folders.map((one) => (typeof one === "string" ? { path: one } : one)),
        hasModSeq,
      });
    },
    async [Symbol.asyncDispose]() {
      for (const session of sessions) await session.close();
      await server.stop();
      expect(server.received.filter((line) => line !== "" && !allowed.test(line))).toEqual([]);
    },
  };
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

export async function collect<T>(rows: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
