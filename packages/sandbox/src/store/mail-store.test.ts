import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { GeneratedWorld } from "../world/generated-world.ts";
import { MessageGenerator } from "../world/message-generator.ts";
import type { Folder } from "./folder.ts";
import { MailStore } from "./mail-store.ts";

const address = "support@tiny.example";
let generator: MessageGenerator;
let folderPath: string;
let path: string;
let store: MailStore;

beforeAll(async () => {
  generator = await MessageGenerator.create();
});

beforeEach(() => {
  folderPath = mkdtempSync(join(tmpdir(), "store-"));
  path = join(folderPath, "journal.log");
  store = open();
});

afterEach(() => {
  store.close();
  rmSync(folderPath, { recursive: true });
});

function open(): MailStore {
  return new MailStore(new GeneratedWorld(generator, "1", [{ alias: "tiny", mailboxes: 1, messages: 30 }], false), path);
}

function reopen(): void {
  store.close();
  store = open();
}

function inbox(): Folder {
  const folder = store.folder(address, "inbox");
  if (!folder) throw new Error("no inbox");
  return folder;
}

describe("what happened to a mailbox", () => {
  test("is there again after a restart: UIDs, bytes, flags, UIDNEXT", () => {
    const before = inbox().uids.length;
    const next = inbox().uidNext;
    const uid = store.deliver(address, "INBOX", Buffer.from("Subject: live\r\n\r\n"), 1, 1_000);
    expect(uid).toBe(next);
    store.setFlags(address, inbox(), uid, 5);
    const gone = inbox().uids[0] as number;
    store.expunge(address, "INBOX", [gone]);
    const uids = [...inbox().uids];
    reopen();
    expect(inbox().uids).toEqual(uids);
    expect(inbox().uids.length).toBe(before);
    expect(inbox().uidNext).toBe(next + 1);
    expect(inbox().flags(uid)).toBe(5);
    expect(inbox().internalDate(uid)).toBe(1_000);
    expect(store.bytes(address, inbox(), uid).toString()).toBe("Subject: live\r\n\r\n");
  });

  test("never lets a UID be used twice, even when the newest message was removed before the restart", () => {
    const uid = store.deliver(address, "INBOX", Buffer.from("x"), 0, 0);
    store.expunge(address, "INBOX", [uid]);
    reopen();
    expect(store.deliver(address, "INBOX", Buffer.from("y"), 0, 0)).toBe(uid + 1);
  });

  test("survives a record that was cut while it was written", () => {
    const first = store.deliver(address, "INBOX", Buffer.from("first"), 0, 0);
    const whole = statSync(path).size;
    for (const cut of [1, 5, 12, 40, -1]) {
      store.deliver(address, "INBOX", Buffer.from("second"), 0, 0);
      store.close();
      truncateSync(path, cut > 0 ? whole + cut : statSync(path).size + cut);
      store = open();
      expect(inbox().uids.at(-1)).toBe(first);
      expect(statSync(path).size).toBe(whole);
    }
    const next = store.deliver(address, "INBOX", Buffer.from("third"), 0, 0);
    reopen();
    expect(store.bytes(address, inbox(), next).toString()).toBe("third");
  });

  test("ends where the file stops making sense", () => {
    const uid = store.deliver(address, "INBOX", Buffer.from("first"), 0, 0);
    for (const byte of [0x41, 0]) {
      appendFileSync(path, Buffer.alloc(200, byte));
      reopen();
      expect(inbox().uids.at(-1)).toBe(uid);
    }
  });

  test("does not serve a record whose bytes are not those that were written", () => {
    const uid = store.deliver(address, "INBOX", Buffer.from("first"), 0, 0);
    store.deliver(address, "INBOX", Buffer.from("second"), 0, 0);
    store.close();
    truncateSync(path, statSync(path).size - 1);
    appendFileSync(path, "D");
    store = open();
    expect(inbox().uids.at(-1)).toBe(uid);
  });

  test("keeps the messages through a UIDVALIDITY change, under new UIDs", () => {
    const folder = inbox();
    const bytes = folder.uids.map((uid) => store.bytes(address, folder, uid).toString("latin1"));
    const was = folder.uidValidity;
    store.resetUidValidity(address, "INBOX");
    reopen();
    expect(inbox().uidValidity).toBe(was + 1);
    expect(inbox().uids).toEqual(bytes.map((_, at) => at + 1));
    expect(inbox().uids.map((uid) => store.bytes(address, inbox(), uid).toString("latin1"))).toEqual(bytes);
  });

  test("gives a folder that was deleted and made again another UIDVALIDITY", () => {
    store.create(address, "New");
    const first = store.folder(address, "New") as Folder;
    store.delete(address, first);
    reopen();
    expect(store.folder(address, "New")).toBeUndefined();
    store.create(address, "New");
    expect(store.folder(address, "new")?.uidValidity).toBeGreaterThan(first.uidValidity);
  });
});

test("mailboxes that nobody uses are let go and come back the same; used and changed ones stay", () => {
  store.close();
  path = join(folderPath, "big.log");
  store = new MailStore(new GeneratedWorld(generator, "1", [{ alias: "tiny", mailboxes: 3_000, messages: 3_000 }], false), path);
  const addresses = [...store.addresses()];
  const [idle, used, changed] = addresses as [string, string, string];
  const idleUids = store.folder(idle, "INBOX")?.uids;
  const idleMailbox = store.mailbox(idle);
  const usedMailbox = store.take(used);
  store.deliver(changed, "INBOX", Buffer.from("x"), 0, 0);
  const changedMailbox = store.mailbox(changed);
  for (const other of addresses.slice(3)) store.mailbox(other);
  expect(store.mailbox(idle)).not.toBe(idleMailbox);
  expect(store.folder(idle, "INBOX")?.uids).toEqual(idleUids);
  expect(store.mailbox(used)).toBe(usedMailbox);
  expect(store.mailbox(changed)).toBe(changedMailbox);
});
