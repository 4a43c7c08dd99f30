import { expect, test } from "vitest";
import { type FailureCode, type MailSession, type MailSource, Secret, syncError } from "@mailfleet/core";
import { lookAtMailbox, tryLogin } from "./look-at-mailbox.ts";

const mailbox = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" } as const;
const token = { value: new Secret("never shown"), expiresAt: 0 };
const clock = { monotonic: () => 0 };
const signal = new AbortController().signal;
const refusal = (code: FailureCode): Error => syncError(code, "no", { layer: "imap", text: "no" });

/** A session in which everything goes well, but for what is given; it notes what was asked. */
function source(given: Partial<MailSession>, asked: string[] = []): MailSource {
  const folder = (path: string) => ({ path, selectable: true, attributes: [] });
  const session: Partial<MailSession> = {
    listFolders: async () => ["INBOX", "Sent Items", "Gone"].map(folder),
    status: async (path) => {
      if (path === "Gone") throw refusal("FOLDER_GONE");
      return { messages: 20, uidNext: 31, uidValidity: "1" };
    },
    open: async () => ({ messages: 20, uidNext: 31, uidValidity: "1" }),
    listUids: async () => [10, 30],
    fetchHead: async (uid) => void asked.push(`head ${uid}`),
    close: async () => void asked.push("close"),
    ...given,
  };
  return { open: async () => session as MailSession };
}

test("opens, counts, examines INBOX, reads the newest header, and closes; a folder that went is not the mailbox refusing", async () => {
  const asked: string[] = [];
  const look = await lookAtMailbox({ mail: source({}, asked), mailbox, token, clock, signal });
  expect(look).toEqual({ kind: "opened", folders: 3, messages: 40, countedFolders: 3, tookMs: 0 });
  expect(asked).toEqual(["head 30", "close"]);
});

test.each<[string, Partial<MailSession>, string, FailureCode]>([
  ["LIST", { listFolders: () => Promise.reject(refusal("PROTOCOL_VIOLATION")) }, "folders", "PROTOCOL_VIOLATION"],
  ["STATUS", { status: () => Promise.reject(refusal("COMMAND_REFUSED")) }, "folders", "COMMAND_REFUSED"],
  ["EXAMINE", { open: () => Promise.reject(refusal("FOLDER_UNSELECTABLE")) }, "INBOX", "FOLDER_UNSELECTABLE"],
  ["FETCH", { fetchHead: () => Promise.reject(refusal("SESSION_CLOSED")) }, "message", "SESSION_CLOSED"],
  ["something that nobody foresaw", { open: () => Promise.reject(new Error("?")) }, "INBOX", "UNCLASSIFIED"],
])("tells at which stage %s was refused, and closes all the same", async (_, given, stage, code) => {
  const asked: string[] = [];
  const look = await lookAtMailbox({ mail: source(given, asked), mailbox, token, clock, signal });
  expect(look).toMatchObject({ kind: "refused", stage, code });
  expect(asked).toContain("close");
});

test("our own limit is told as a server that does not answer", async () => {
  const mail: MailSource = { open: () => Promise.reject(refusal("INTERRUPTED")) };
  expect(await tryLogin({ mail, mailbox, token, signal })).toMatchObject({ stage: "login", code: "CONNECT_TIMEOUT" });
  expect(await tryLogin({ mail: source({}), mailbox, token, signal })).toBeUndefined();
});
