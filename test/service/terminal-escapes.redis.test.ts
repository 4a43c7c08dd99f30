import { expect, test } from "vitest";
import { type CapturedRun } from "../../apps/cli/src/captured-run.fixture.ts";
import { cli } from "./cli-bench.ts";
import { failOldest } from "./failing-consumer.ts";
import { address, queue, sandbox, setUpSyncBench, sync } from "./sync-bench.ts";

setUpSyncBench({ messages: 4 });

/** Clipboard, title, cursor, C1, direction, invisible, a forged line: what a sender, a folder or a consumer may try (T56). */
const steering =
  "evil\u001b]52;c;aGk=\u0007\u001b]0;owned\u0007\u001b[2J\u009b2J\u009d0;x\u009c\u202etxt.exe\u2066\u200b\u0000\r\nmailfleet: all is well";
// oxlint-disable-next-line no-control-regex -- controls are the point
const steers = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/;

test("no verb lets a subject, sender, file, folder or consumer's words steer a terminal, forge a line or break a program's JSON", async () => {
  const word = Buffer.from(steering).toString("base64");
  const raw = [
    `From: =?utf-8?B?${word}?= <a@mail.example>`,
    `Subject: =?utf-8?B?${word}?=`,
    `Message-ID: <evil@mail.example>`,
    "Content-Type: multipart/mixed; boundary=b",
    "",
    "--b",
    `Content-Disposition: attachment; filename="=?utf-8?B?${word}?="`,
    "",
    steering,
    "--b--",
    "",
  ].join("\r\n");
  sandbox.deliver(address, "INBOX", Buffer.from(raw));
  sandbox.createFolder(address, `Evil${steering}`);
  await sync("backfill");
  await failOldest(await queue.getWaitingCount(), steering, `crm${steering}`);
  const evil = (await queue.getFailed()).find(({ data }) => JSON.stringify(data).includes("evil@mail.example"))?.id ?? "";
  expect(evil).not.toBe("");
  const verbs = [
    ["status"],
    ["mailboxes", "list"],
    ["try", address],
    ["dead-letters", "list"],
    ["dead-letters", "show", evil, "--content"],
    ["dead-letters", "replay", evil],
    ["replay", address, "--dry-run"],
    ["mailboxes", "park", address, "--reason", steering, "--by", steering],
    ["mailboxes", "resume", steering],
    ["mailboxes", "remove", address, "--purge", "--dry-run"],
    ["mailboxes", "remove", steering],
    ["doctor", "--explain", steering],
  ];
  for (const verb of verbs) {
    const runs: (readonly [string, CapturedRun])[] = [
      ["terminal", await cli(verb, { isTerminal: true })],
      ["json", await cli([...verb, "--json"])],
    ];
    for (const [how, { out, err }] of runs) {
      const found = steers.exec(out + err)?.[0];
      expect([verb.slice(0, 2), how, found && escape(found)]).toEqual([verb.slice(0, 2), how, undefined]);
      expect(`${out}${err}`.split("\n").filter((line) => line.trim() === "mailfleet: all is well")).toEqual([]);
      if (how === "json" && out !== "") expect(() => JSON.parse(out) as unknown).not.toThrow();
    }
  }
}, 90_000);
