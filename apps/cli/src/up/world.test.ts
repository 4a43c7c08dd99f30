import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { worldDir } from "./world.ts";

const dir = mkdtempSync(path.join(tmpdir(), "mailfleet-world-"));
afterAll(() => rmSync(dir, { recursive: true }));
const dataDir = "/data";

test("the default world has a folder of its own, and each seed another", () => {
  expect(worldDir({ dataDir })).toBe("/data/sandbox");
  expect(worldDir({ dataDir, seed: "1" })).not.toBe(worldDir({ dataDir, seed: "2" }));
  expect(worldDir({ dataDir, seed: "1" })).toBe(worldDir({ dataDir, seed: "1" }));
});

test("a corpus is the same world until a mail in it changes", () => {
  const mail = path.join(dir, "a.eml");
  writeFileSync(mail, "Subject: one\r\n\r\n");
  const before = worldDir({ dataDir, corpus: dir });
  expect(worldDir({ dataDir, corpus: dir })).toBe(before);
  expect(worldDir({ dataDir, corpus: dir, seed: "2" })).not.toBe(before);
  utimesSync(mail, 1, 1);
  const touched = worldDir({ dataDir, corpus: dir });
  expect(touched).not.toBe(before);
  writeFileSync(path.join(dir, "b.eml"), "Subject: two\r\n\r\n");
  expect(worldDir({ dataDir, corpus: dir })).not.toBe(touched);
});

test("a corpus that is not there is said before anything starts", () => {
  expect(() => worldDir({ dataDir, corpus: path.join(dir, "none") })).toThrow(/cannot be read: there is no such folder/);
});
