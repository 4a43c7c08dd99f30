import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CorpusError, CorpusWorld, toCrlf } from "./corpus-world.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "corpus-"));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function allMessages(world: CorpusWorld): string[] {
  return world.tenants.flatMap(({ addresses }) =>
    addresses.flatMap((address) =>
      (world.folders(address) ?? []).flatMap((folder) => folder.uids().map((_, index) => folder.bytes(index).toString("latin1"))),
    ),
  );
}

describe("a corpus", () => {
  test("serves each mail file once, twins and odd ones too, and nothing else", () => {
    mkdirSync(join(root, "deep", "er"), { recursive: true });
    writeFileSync(join(root, "a.eml"), "same");
    writeFileSync(join(root, "deep", "b.EML"), "same");
    writeFileSync(join(root, "deep", "er", "empty.eml"), "");
    writeFileSync(join(root, "deep", "odd.eml"), Buffer.from([0, 0xff, 0x0a, 0x0d, 0x41]));
    writeFileSync(join(root, "a.expected.json"), "{}");
    const world = new CorpusWorld(root, "1");
    expect(world.tenants[0]?.messages).toBe(4);
    expect(allMessages(world).sort()).toEqual(["", "\0\xff\r\n\rA", "same", "same"].sort());
  });

  test("spreads many files over twenty mailboxes, always the same way", () => {
    for (let i = 0; i < 230; i++) writeFileSync(join(root, `${String(i)}.eml`), `Subject: ${String(i)}\n\n`);
    const world = new CorpusWorld(root, "1");
    expect(world.tenants[0]?.addresses.length).toBe(20);
    const messages = allMessages(world);
    expect(new Set(messages).size).toBe(230);
    expect(allMessages(new CorpusWorld(root, "1"))).toEqual(messages);
  });

  test("may have all of it in INBOX, for a protocol that sees nothing else", () => {
    for (let i = 0; i < 40; i++) writeFileSync(join(root, `${String(i)}.eml`), `Subject: ${String(i)}\n\n`);
    const world = new CorpusWorld(root, "1", true);
    expect(allMessages(world).length).toBe(40);
    for (const address of world.tenants[0]?.addresses ?? [])
      expect(world.folders(address)?.flatMap(({ name, count }) => (count > 0 ? name : []))).toEqual(["INBOX"]);
    expect(world.key).not.toBe(new CorpusWorld(root, "1").key);
  });

  test("cuts an mbox at its From lines", () => {
    writeFileSync(
      join(root, "list.mbox"),
      "From a@x Thu Jan  1\nSubject: 1\n\nbody\nFrom here on\n\nFrom b@x Thu Jan  1\r\nSubject: 2\r\n\r\nbody\r\n\r\nFrom c@x\nSubject: 3\n\nend\n",
    );
    expect(allMessages(new CorpusWorld(root, "1")).sort()).toEqual([
      "Subject: 1\r\n\r\nbody\r\nFrom here on\r\n",
      "Subject: 2\r\n\r\nbody\r\n",
      "Subject: 3\r\n\r\nend\r\n",
    ]);
  });

  test("names what cannot be served", () => {
    expect(() => new CorpusWorld(root, "1")).toThrow(
      new CorpusError(`the corpus ${root} holds no message: no .eml and no .mbox file in it or below it`),
    );
    symlinkSync("/nowhere/at/all", join(root, "gone.eml"));
    expect(() => new CorpusWorld(root, "1")).toThrow(`${join(root, "gone.eml")} cannot be read: ENOENT`);
    expect(() => new CorpusWorld(join(root, "no"), "1")).toThrow(`${join(root, "no")} cannot be read: ENOENT`);
  });
});

test.each([
  ["a\nb", "a\r\nb"],
  ["a\r\nb", "a\r\nb"],
  ["\n\n", "\r\n\r\n"],
  ["a\rb\r", "a\rb\r"],
  ["", ""],
])("%j goes out as %j", (from, to) => {
  expect(toCrlf(Buffer.from(from)).toString()).toBe(to);
});
