import { appendFile, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { mailboxNames } from "@mailfleet/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { maskLines } from "./mask-lines.ts";

const names = mailboxNames({ address: "a@contoso.example" });
let dir: string;
let file: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "mailfleet-mask-"));
  file = path.join(dir, "log");
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

test("lines that name the mailbox become one that says so, of the same length, and all others stay as they are", async () => {
  const lines = [
    '{"level":"info","mailbox":"a@contoso.example","folder":"Räume/Secret","msg":"synced"}',
    '{"level":"info","mailbox":"aa@contoso.example","msg":"synced"}',
    "",
    "a@contoso.example",
  ];
  await writeFile(file, lines.join("\n"));
  const before = (await readFile(file)).length;
  expect(await maskLines(file, names, false, '{"msg":"purged"}')).toBe(2);
  expect(await readFile(file, "utf8")).toBe(lines.join("\n"));
  expect(await maskLines(file, names, true, '{"msg":"purged"}')).toBe(2);
  const after = await readFile(file);
  expect(after).toHaveLength(before);
  const [first, ...others] = after.toString().split("\n");
  expect(JSON.parse(first ?? "")).toEqual({ msg: "purged" });
  expect(others).toEqual([lines[1], "", '{"msg":"purged"} ']);
  expect(await maskLines(file, names, true, '{"msg":"purged"}')).toBe(0);
});

test("without a line to put there the names alone are struck out", async () => {
  await writeFile(file, '["job","contoso/a@contoso.example/INBOX/1.14/7",0,"c7f2"]\n');
  expect(await maskLines(file, names, true)).toBe(1);
  expect(await readFile(file, "utf8")).toBe('["job","contoso/*****************/INBOX/1.14/7",0,"c7f2"]\n');
});

test("a name that lies across two pieces of a large file is found, and what another process appends meanwhile is kept", async () => {
  const filler = `${"x".repeat(1024 * 1024 - 12)}\n`;
  await writeFile(file, `${filler}{"mailbox":"a@contoso.example"}\n${filler}`);
  const appending = await open(file, "a");
  const masked = maskLines(file, names, true, "{}");
  await appending.appendFile("later\n");
  await appending.close();
  expect(await masked).toBe(1);
  await appendFile(file, "last\n");
  const text = await readFile(file, "utf8");
  expect(names.isNamedIn(text)).toBe(false);
  expect(text.endsWith("later\nlast\n")).toBe(true);
});

test("a file that is not there has no lines", async () => {
  expect(await maskLines(path.join(dir, "none"), names, true)).toBe(0);
});
