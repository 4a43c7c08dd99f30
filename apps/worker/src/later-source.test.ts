import type { AccessToken, MailboxRef, MailSession, MailSource } from "@mailfleet/core";
import { expect, test } from "vitest";
import { laterSource } from "./later-source.ts";

const mailbox: MailboxRef = { tenant: "contoso", address: "anna@contoso.com", protocol: "imap" };
const token = {} as AccessToken;
const { signal } = new AbortController();
const session = {} as MailSession;

test("a source is read once, for the first mailbox, and again where it could not be read", async () => {
  let reads = 0;
  let isReadable = false;
  const source = laterSource(() => {
    reads++;
    const read: MailSource = { open: () => Promise.resolve(session) };
    return isReadable ? Promise.resolve(read) : Promise.reject(new Error("EMFILE"));
  });
  expect(reads).toBe(0);
  await expect(source.open(mailbox, token, signal)).rejects.toThrow("EMFILE");
  isReadable = true;
  expect(await Promise.all([source.open(mailbox, token, signal), source.open(mailbox, token, signal)])).toEqual([session, session]);
  expect(await source.look?.(mailbox, token, signal, {} as never)).toBeUndefined();
  expect(reads).toBe(2);
});
