import { randomBytes } from "node:crypto";
import { lookup } from "node:dns";
import { readFile } from "node:fs/promises";
import { Secret, type AccessToken, type MailSession, type MailSource } from "@mailfleet/core";
import { eachMessage, recordingLog, sharedDovecot, uniqueName, type RunningDovecot } from "@mailfleet/testkit";
import { beforeAll, expect, test } from "vitest";
import { createImapSource, type ImapLimits } from "./index.ts";
import { collect, failureOf } from "./transcript-harness.ts";

let dovecot: RunningDovecot;
let ca: string;

beforeAll(async () => {
  dovecot = await sharedDovecot();
  ca = await readFile(dovecot.caFile, "utf8");
});

function sourceOf(trust: { ca?: string } = { ca }, limits: Partial<ImapLimits> = {}): MailSource {
  return createImapSource({
    endpoint: () => ({ ...dovecot.imap, tls: true, ...trust }),
    log: recordingLog(),
    scrub: (text) => text,
    clock: { monotonic: () => performance.now() },
    lookUp: lookup,
    limits,
  });
}

async function tokenFor(domain: string, expiresInSeconds = 3_600): Promise<AccessToken> {
  return { value: new Secret(await dovecot.issueToken({ domain, expiresInSeconds })), expiresAt: Date.now() + expiresInSeconds * 1_000 };
}

async function openOf(address: string, source = sourceOf()): Promise<MailSession> {
  const token = await tokenFor(address.split("@")[1] ?? "");
  return source.open({ tenant: "contoso", address, protocol: "imap" }, token, new AbortController().signal);
}

function mail(subject: string, body: Uint8Array | string = "hello\r\n"): Buffer {
  const head = `From: ann@contoso.example\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@contoso.example>\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), typeof body === "string" ? Buffer.from(body) : body]);
}

test("folders, status, list, sizes and bytes of a mailbox are what the server holds", async () => {
  const address = `${uniqueName("ann")}@${uniqueName("contoso")}.example`;
  const raws = Array.from({ length: 250 }, (_, index) => mail(`m${index}`, "x".repeat(index * 7)));
  await dovecot.fill(
    address,
    "Projects/Überblick & Plan",
    raws.map((raw) => ({ raw, flags: ["\\Seen"], date: new Date("2026-07-17T09:44:25Z") })),
  );
  await dovecot.deliver(address, "INBOX", mail("first"));
  const session = await openOf(address);
  const folders = await session.listFolders();
  expect(folders.find((folder) => folder.path === "INBOX")).toMatchObject({ role: "inbox", selectable: true });
  const path = folders.find((folder) => folder.path.startsWith("Projects/"))?.path ?? "";
  expect(path).toBe("Projects/Überblick & Plan");
  const status = await session.status(path);
  expect(status).toMatchObject({ messages: 250, uidNext: 251 });
  expect(status).toEqual({ ...(await session.open(path)), unseen: 0 });
  const uids = await session.listUids(1, 0xffff_ffff);
  expect(uids).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));
  expect(await session.listUids(249, 0xffff_ffff)).toEqual([249, 250]);
  expect(await session.listUids(251, 0xffff_ffff)).toEqual([]);
  expect((await session.describe(uids)).map(({ size }) => size)).toEqual(raws.map((raw) => raw.length));
  const rows = await collect(eachMessage(session.fetch([...uids, 999])));
  expect(rows.map(({ uid }) => uid)).toEqual(uids);
  for (const row of rows) expect(Buffer.compare(row.bytes, raws[row.uid - 1] ?? Buffer.alloc(0))).toBe(0);
  expect(rows[0]).toMatchObject({ flags: ["\\Seen"], internalDate: Date.UTC(2026, 6, 17, 9, 44, 25) });
  expect(Buffer.from((await session.fetchHead(250, 20))?.bytes ?? []).toString()).toBe(raws[249]?.subarray(0, 20).toString());
  await session.close();
});

test("reading marks nothing as read", async () => {
  const address = `${uniqueName("bob")}@${uniqueName("contoso")}.example`;
  await dovecot.deliver(address, "INBOX", mail("unread"));
  for (let round = 0; round < 2; round++) {
    const session = await openOf(address);
    await session.open("INBOX");
    const [row] = await collect(eachMessage(session.fetch([1])));
    expect(row?.flags).not.toContain("\\Seen");
    await session.fetchHead(1, 100);
    await session.close();
  }
});

test("bytes that no charset knows come through as they are, whole and 20 MB of them in pieces", async () => {
  const address = `${uniqueName("cleo")}@${uniqueName("contoso")}.example`;
  const big = randomBytes(20 * 1024 * 1024);
  // Dovecot sends a lone LF as CR LF, so there is none; it sends NUL as 0x80 where a client did not ask for BINARY.
  for (let at = 0; at < big.length; at++) if (big[at] === 10 || big[at] === 13 || big[at] === 0) big[at] = 255;
  const small = mail("small", big.subarray(0, 3 * 1024 * 1024));
  const raw = mail("big", big);
  await dovecot.deliver(address, "INBOX", small);
  await dovecot.deliver(address, "INBOX", raw);
  const session = await openOf(address);
  await session.open("INBOX");
  const [row] = await collect(eachMessage(session.fetch([1])));
  expect(Buffer.compare(row?.bytes ?? Buffer.alloc(0), small)).toBe(0);
  const message = await session.fetchStream(2);
  expect(Buffer.compare(Buffer.concat(await collect(message?.pieces ?? [])), raw)).toBe(0);
  expect(message?.isWhole()).toBe(true);
  await session.close();
});

test("a message above the limit is named, and its head can still be had", async () => {
  const address = `${uniqueName("dan")}@${uniqueName("contoso")}.example`;
  await dovecot.deliver(address, "INBOX", mail("small"));
  await dovecot.deliver(address, "INBOX", mail("huge", "y".repeat(300_000)));
  const source = sourceOf({ ca }, { literalBytes: 200_000 });
  const session = await openOf(address, source);
  await session.open("INBOX");
  expect(await failureOf(collect(eachMessage(session.fetch([2]))))).toMatchObject({ code: "MESSAGE_TOO_LARGE", facts: { uid: 2 } });
  const again = await openOf(address, source);
  await again.open("INBOX");
  expect((await again.fetchHead(2, 1_000))?.bytes.length).toBe(1_000);
  await again.close();
});

test("a folder that is gone, another tenant's token, an expired one and a foreign certificate have their own names", async () => {
  const domain = `${uniqueName("contoso")}.example`;
  const address = `eve@${domain}`;
  await dovecot.addMailbox(address);
  const session = await openOf(address);
  expect((await failureOf(session.status("Nowhere"))).code).toBe("FOLDER_GONE");
  expect((await failureOf(session.open("Nowhere"))).code).toBe("FOLDER_GONE");
  expect((await session.status("INBOX")).messages).toBe(0);
  await session.close();
  const ref = { tenant: "contoso", address, protocol: "imap" } as const;
  const { signal } = new AbortController();
  expect((await failureOf(sourceOf().open(ref, await tokenFor("other.example"), signal))).code).toBe("TOKEN_REJECTED");
  expect((await failureOf(sourceOf().open(ref, await tokenFor(domain, -60), signal))).code).toBe("TOKEN_REJECTED");
  expect(await failureOf(sourceOf({}).open(ref, await tokenFor(domain), signal))).toMatchObject({
    code: "TLS_HANDSHAKE",
    facts: { layer: "tls" },
  });
});

test("UIDs that do not exist are absent, and only those", async () => {
  const address = `${uniqueName("fay")}@${uniqueName("contoso")}.example`;
  await dovecot.fill(
    address,
    "INBOX",
    [1, 2, 3].map((uid) => ({ raw: mail(`m${uid}`), uid })),
    { uidValidity: 77 },
  );
  const session = await openOf(address);
  expect(await session.open("INBOX")).toMatchObject({ uidValidity: "77" });
  expect((await collect(eachMessage(session.fetch([1, 3, 4, 5])))).map(({ uid }) => uid)).toEqual([1, 3]);
  expect(await session.describe([2, 9])).toHaveLength(1);
  await session.close();
});
