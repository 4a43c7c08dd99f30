import { simpleParser } from "mailparser";
import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { GeneratedWorld, defaultTenants } from "./generated-world.ts";
import { isMailFolder } from "./folder-plan.ts";
import { MessageGenerator } from "./message-generator.ts";
import type { BaseFolder } from "./base-folder.ts";

let generator: MessageGenerator;
let world: GeneratedWorld;

beforeAll(async () => {
  generator = await MessageGenerator.create();
  world = new GeneratedWorld(generator, "1", defaultTenants, true);
});

function foldersOf(from: GeneratedWorld): BaseFolder[] {
  return from.tenants.flatMap((tenant) => tenant.addresses.flatMap((address) => from.folders(address) ?? []));
}

/** Every UID, date, flag and size, and the bytes of one message in 23. */
function fingerprint(from: GeneratedWorld): string {
  const hash = createHash("sha256");
  for (const folder of foldersOf(from)) {
    hash.update(`${folder.name} ${String(folder.uidValidity)} ${String(folder.uidNext)} ${folder.uids().join(",")}`);
    for (let index = 0; index < folder.count; index++) {
      hash.update(`${String(folder.internalDate(index))} ${String(folder.flags(index))} ${String(folder.size(index))}`);
      if (index % 23 === 0) hash.update(folder.bytes(index));
    }
  }
  return hash.digest("hex");
}

function inbox(from: GeneratedWorld, address: string): BaseFolder {
  const folder = from.folders(address)?.find(({ name }) => name === "INBOX");
  if (!folder) throw new Error("no inbox");
  return folder;
}

describe("the default world", () => {
  test("has 60 mailboxes and 12,480 messages in mail folders", () => {
    expect(world.tenants.map(({ alias, addresses, messages }) => [alias, addresses.length, messages])).toEqual([
      ["contoso", 40, 8_000],
      ["fabrikam", 15, 3_600],
      ["northwind", 5, 880],
    ]);
    const mail = foldersOf(world).filter(({ role }) => isMailFolder(role));
    expect(mail.reduce((sum, { count }) => sum + count, 0)).toBe(12_480);
    const spools = world.tenants.filter(({ protocol }) => protocol === "pop3").flatMap(({ addresses }) => addresses);
    expect(spools.map((address) => address.split("@")[1])).toEqual(Array.from({ length: 5 }, () => "northwind.example"));
    expect(spools.reduce((sum, address) => sum + inbox(world, address).count, 0)).toBe(880);
    const addresses = world.tenants.flatMap((tenant) => tenant.addresses);
    expect(new Set(addresses).size).toBe(60);
    expect(addresses).toContain("hr@contoso.example");
    expect(addresses).toContain("ap@fabrikam.example");
  });

  test("is the same from the same seed, made by another generator, and another from another seed", async () => {
    const again = new GeneratedWorld(await MessageGenerator.create(), "1", defaultTenants, true);
    expect(fingerprint(again)).toBe(fingerprint(world));
    expect(fingerprint(new GeneratedWorld(generator, "2", defaultTenants, true))).not.toBe(fingerprint(world));
  });

  test("has the sizes of business mail and stays near 150 MB", () => {
    const sizes: number[] = [];
    for (const folder of foldersOf(world)) for (let index = 0; index < folder.count; index++) sizes.push(folder.bytes(index).length);
    sizes.sort((a, b) => a - b);
    const at = (share: number): number => sizes[Math.floor(sizes.length * share)] as number;
    expect(at(0.5)).toBeGreaterThan(4_000);
    expect(at(0.5)).toBeLessThan(6_500);
    expect(at(0.9)).toBeGreaterThan(20_000);
    expect(sizes.at(-1)).toBeGreaterThan(1_000_000);
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(175e6);
  });

  test("writes mail that a parser reads as it was meant, in CRLF lines", async () => {
    const folder = inbox(world, "sales@contoso.example");
    const types = new Set<string>();
    for (let index = 0; index < folder.count; index++) {
      const bytes = folder.bytes(index);
      const text = bytes.toString("latin1");
      expect(/(^|[^\r])\n|\r(?!\n)/.test(text)).toBe(false);
      const mail = await simpleParser(bytes);
      expect(mail.messageId).toMatch(/@mail\.contoso\.example>$/);
      expect(mail.subject).toBeTruthy();
      expect(mail.date?.getTime()).toBe(folder.internalDate(index));
      expect((mail.text ?? "").length + (typeof mail.html === "string" ? mail.html.length : 0)).toBeGreaterThan(100);
      expect(`${mail.subject ?? ""} ${mail.text ?? ""}`).not.toMatch(/\uFFFD|SLOT\./);
      for (const attachment of mail.attachments) types.add(attachment.contentType);
    }
    expect(types).toContain("application/pdf");
  });

  test("puts replies behind the mail they answer", async () => {
    const folder = inbox(world, "billing@contoso.example");
    const ids = new Map<string, string>();
    let replies = 0;
    for (let index = 0; index < folder.count; index++) {
      const mail = await simpleParser(folder.bytes(index));
      if (mail.inReplyTo !== undefined) {
        replies++;
        const original = ids.get(mail.inReplyTo);
        expect(original).toBeDefined();
        expect(mail.subject?.replace(/^Re: /, "")).toBe(original?.replace(/^Re: /, ""));
      }
      ids.set(mail.messageId ?? "", mail.subject ?? "");
    }
    expect(replies).toBeGreaterThan(10);
  });

  test("holds three messages that a guarded parser must refuse", async () => {
    const parts = inbox(world, "support@contoso.example").bytes(7);
    const header = inbox(world, "info@fabrikam.example").bytes(11);
    expect(parts.toString("latin1").split("--odd\r\n").length - 1).toBeGreaterThan(1_000);
    expect(header.indexOf("\r\n\r\n")).toBeGreaterThan(1024 * 1024);
    await expect(simpleParser(inbox(world, "sales@northwind.example").bytes(5), { maxChildNodes: 1_000 })).rejects.toThrow("child nodes");
    const without = new GeneratedWorld(generator, "1", defaultTenants, false);
    expect(inbox(without, "support@contoso.example").bytes(7).length).not.toBe(parts.length);
  });

  test("lists UIDs that rise with some holes, below UIDNEXT", () => {
    let holes = 0;
    for (const folder of foldersOf(world)) {
      const uids = folder.uids();
      for (const [at, uid] of uids.entries()) {
        if (at === 0) continue;
        expect(uid).toBeGreaterThan(uids[at - 1] as number);
        if (uid > (uids[at - 1] as number) + 1) holes++;
      }
      expect(folder.uidNext).toBeGreaterThan(uids.at(-1) ?? 0);
    }
    expect(holes).toBeGreaterThan(100);
  });
});

test("ten thousand mailboxes have ten thousand addresses", () => {
  const big = new GeneratedWorld(generator, "1", [{ alias: "big", mailboxes: 10_000, messages: 1_000_000 }], false);
  expect(new Set(big.tenants[0]?.addresses).size).toBe(10_000);
});
