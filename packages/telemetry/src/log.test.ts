import { Writable } from "node:stream";
import { createScrubber, Secret } from "@mailfleet/core";
import { expect, test } from "vitest";
import { createLog } from "./log.ts";

const canary = "canary-9f2c-Secret+Value/=";

function capture(level: "debug" | "info" = "debug", mailboxes: "plain" | "hashed" = "plain") {
  const lines: string[] = [];
  let now = 0;
  const log = createLog({
    level,
    destination: { write: (line: string) => void lines.push(line) },
    scrub: createScrubber([canary]),
    mailboxes,
    clock: { monotonic: () => now },
    base: { role: "worker" },
  });
  return {
    log,
    lines,
    pass: (ms: number) => void (now += ms),
    records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

test("each line is one JSON object with time, level, role and fields", () => {
  const { log, records, lines } = capture();
  log.info({ mailbox: "a@b.example", count: 3 }, "synced");
  expect(records()).toEqual([{ level: "info", time: expect.any(String), role: "worker", mailbox: "a@b.example", count: 3, msg: "synced" }]);
  expect(lines[0]?.endsWith("}\n")).toBe(true);
});

test("no secret gets out: not typed, not in text, not encoded, not four causes deep in an AggregateError", () => {
  const { log, lines } = capture();
  const foreign = Object.assign(new Error(`server said ${canary}`), {
    command: { name: "eval", args: [canary, "mail text"] },
    code: "OOM",
  });
  let nested: Error = foreign;
  for (let depth = 0; depth < 3; depth++) nested = new Error("around", { cause: nested });
  log.error({ err: new AggregateError([nested], "all failed") }, "failed");
  log.info({ secret: new Secret(canary), deep: { list: [new Secret(canary)] }, note: Buffer.from(canary).toString("base64") }, "typed");
  log.info(
    {
      client_secret: canary,
      Authorization: "x",
      nested: { "access-token": "y", subject: "private words" },
      url: encodeURIComponent(canary),
    },
    "by name",
  );
  const all = lines.join("");
  expect(all).not.toContain(canary);
  expect(all).not.toContain(Buffer.from(canary).toString("base64").slice(0, 20));
  expect(all).not.toContain(encodeURIComponent(canary));
  for (const word of ["mail text", "private words", '"command"', '"args"', "client_secret", "Authorization"])
    expect(all).not.toContain(word);
  expect(all).toContain("OOM");
});

test.each([
  ["refresh_token", canary, undefined],
  ["oldClientSecret", { value: canary }, undefined],
  ["Reply-To", "a@b.example", undefined],
  ["text_body", "private words", undefined],
  ["tokenAgeMs", 12, 12],
  ["hasSecret", true, true],
  ["secret", new Secret(canary), "[secret]"],
])("a field named %s is written only when it can be no secret and no mail", (key, value, expected) => {
  const { log, records, lines } = capture();
  log.info({ deep: { [key]: value } }, "said");
  expect(lines[0]).not.toContain(canary);
  expect(records()[0]).toMatchObject({ deep: expected === undefined ? {} : { [key]: expected } });
  if (expected === undefined) expect(lines[0]).not.toContain(key);
});

test("below its level nothing is written, and closing waits for what was", async () => {
  const { log, lines } = capture("info");
  log.debug({}, "quiet");
  expect(lines).toEqual([]);
  const written: string[] = [];
  const slow = new Writable({
    decodeStrings: false,
    write: (chunk: string, _, done) => void setImmediate(() => (written.push(chunk), done())),
  });
  const other = createLog({ level: "info", destination: slow, scrub: (text) => text, clock: { monotonic: () => 0 }, base: {} });
  other.info({}, "first");
  other.info({}, "last");
  await other.close();
  expect(written.join("")).toContain('"last"');
});

test("an object that throws when it is read does not stop the log", () => {
  const { log, lines } = capture();
  const hostile = Object.defineProperty({}, "boom", {
    enumerable: true,
    get: () => {
      throw new Error(canary);
    },
  });
  log.info({ hostile }, "still here");
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain(canary);
});

test("ten thousand equal failures are one line a minute with their number", () => {
  const { log, records, pass } = capture();
  for (let n = 0; n < 10_000; n++) {
    pass(12);
    log.warn({ mailbox: "a@b.example", code: "DNS", ms: n }, "sync failed");
  }
  expect(records()).toHaveLength(2);
  expect(records()[1]?.["repeated"]).toBeGreaterThan(4_000);
  log.warn({ mailbox: "other@b.example", code: "DNS" }, "sync failed");
  expect(records()).toHaveLength(3);
});

test("text of a server cannot forge a second line", () => {
  const { log, lines } = capture();
  log.info({ text: 'x\n{"level":"info","msg":"forged"}\u001b[2J' }, "heard");
  expect(lines).toHaveLength(1);
  expect(lines[0]?.split("\n")).toHaveLength(2);
  expect(lines[0]).not.toContain("\u001b");
});

test("where mailboxes are hashed, no field, sentence or error names one or its folders, and one mailbox is one word in all lines", () => {
  const { log, records, lines } = capture("debug", "hashed");
  const address = "O'Brien.Support@contoso.example";
  log.info({ tenant: "contoso", mailbox: address, folder: "Scheidung/Anwalt", formerly: "Anwalt", count: 2 }, "synced");
  log.warn({ mailbox: `contoso/${address.toLowerCase()}`, why: `the lease of <${address}> is lost` }, `stopped ${address}.`);
  log.error({ err: new Error(`no ${address}`, { cause: new Error(`contoso/${address}/INBOX`) }) }, "failed");
  const all = lines.join("");
  for (const word of ["brien", "support@", "contoso.example", "anwalt", "scheidung"]) expect(all.toLowerCase()).not.toContain(word);
  const [first, second] = records();
  const name = String(first?.["mailbox"]);
  expect(name).toMatch(/^mailbox-[0-9a-f]{12}$/);
  expect(second).toMatchObject({ mailbox: `contoso/${name}`, why: `the lease of <${name}> is lost`, msg: `stopped ${name}.` });
  expect(first).toMatchObject({ tenant: "contoso", count: 2, folder: expect.stringMatching(/^folder-[0-9a-f]{12}$/) });
  expect(all.match(new RegExp(name, "g"))).toHaveLength(6);
});
