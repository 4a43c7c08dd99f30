import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { systemClock } from "@mailfleet/runtime";
import type { LogFile } from "./log-file.ts";
import { ProcessFailure, type SupervisedProcess, superviseProcess } from "./supervised-process.ts";

const dir = mkdtempSync(path.join(tmpdir(), "mailfleet-child-"));
afterAll(() => rmSync(dir, { recursive: true }));
let started: SupervisedProcess[] = [];
afterEach(async () => {
  await Promise.all(started.map((one) => one.stop(500)));
  started = [];
});

const ready = `process.send({ type: "ready" });`;
const stay = `setInterval(() => {}, 1000); process.on("disconnect", () => process.exit(0));`;

function supervise(source: string) {
  const file = path.join(dir, `${started.length}-${Date.now()}.mjs`);
  writeFileSync(file, source);
  const logged: string[] = [];
  const log: LogFile = {
    path: "log",
    write: (line) => void logged.push(line),
    note: (_level, fields) => void logged.push(JSON.stringify(fields)),
    close: () => Promise.resolve(),
  };
  const restarted = Promise.withResolvers<{ how: string; inMs: number }>();
  const fatal = Promise.withResolvers<ProcessFailure>();
  const process = superviseProcess(
    { name: "worker 1", file, args: () => [], env: {}, cwd: dir, readyBy: "message" },
    {
      clock: systemClock,
      log,
      scrub: (text) => text.replace("hunter2", "[secret]"),
      onRestart: (_name, how, inMs) => restarted.resolve({ how, inMs }),
      onFatal: fatal.resolve,
    },
  );
  started.push(process);
  return { process, logged, restarted: restarted.promise, fatal: fatal.promise };
}

test("a child that cannot start gives its own words as the reason, without secrets", async () => {
  const { process, logged } = supervise(`console.error("no way: hunter2"); process.exit(2);`);
  const failure = await process.ready.catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ProcessFailure);
  expect(failure).toMatchObject({ exitCode: 2, reason: "no way: [secret]" });
  expect(logged.join("\n")).not.toContain("hunter2");
});

test("a child that dies after it was ready is started again, after a pause that is told", async () => {
  const { process, restarted } = supervise(`${ready} ${stay}`);
  await process.ready;
  globalThis.process.kill(process.pid as number, "SIGKILL");
  expect(await restarted).toEqual({ how: "SIGKILL", inMs: 1_000 });
});

test("a child that ends with 2 is not tried again", async () => {
  const { fatal } = supervise(`${ready} setTimeout(() => process.exit(2), 20);`);
  expect(await fatal).toMatchObject({ exitCode: 2 });
});

test("a stop drains by SIGTERM, and ends what does not listen", async () => {
  const polite = supervise(`process.on("SIGTERM", () => { console.log('{"msg":"drained"}'); process.exit(0); }); ${ready} ${stay}`);
  await polite.process.ready;
  expect(await polite.process.stop(5_000)).toBe(true);
  // What a process wrote may come behind the news that it ended, as what it sends may come before.
  await expect.poll(() => polite.logged).toContain('{"msg":"drained"}');
  const deaf = supervise(`process.on("SIGTERM", () => {}); ${ready} ${stay}`);
  await deaf.process.ready;
  expect(await deaf.process.stop(100)).toBe(false);
});

test("a child that is stopped before it was ready leaves nobody waiting for it", async () => {
  const { process } = supervise(stay);
  await process.stop(5_000);
  await expect(process.ready).rejects.toThrow("worker 1 ended with SIGTERM");
});

test("a child opens no inspector when it is signalled, and writes no environment into a report", async () => {
  const { process: child, logged } = supervise(`console.log(JSON.stringify({ flags: process.execArgv })); ${ready} ${stay}`);
  await child.ready;
  await expect.poll(() => logged.join()).toContain("flags");
  const { flags } = JSON.parse(logged.find((line) => line.includes("flags")) ?? "{}") as { flags: string[] };
  expect(flags).toEqual(expect.arrayContaining(["--disable-sigusr1", "--report-exclude-env"]));
});

test("a child sees no variable of ours but those it is given", async () => {
  const { process, logged } = supervise(`console.log(JSON.stringify({ names: Object.keys(process.env) })); ${ready} ${stay}`);
  await process.ready;
  await expect.poll(() => logged.join()).toContain("names");
  const { names } = JSON.parse(logged.find((line) => line.includes("names")) ?? "{}") as { names: string[] };
  expect(names.filter((name) => !name.startsWith("NODE_CHANNEL") && name !== "__CF_USER_TEXT_ENCODING")).toEqual([]);
});
