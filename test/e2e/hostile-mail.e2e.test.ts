import { join } from "node:path";
import { expect, test } from "vitest";
import { root, startProgram } from "./fleet.ts";

interface Document {
  readonly hostile: {
    readonly messages: number;
    readonly handedOff: number;
    readonly quarantined: number;
    readonly behindThem: number;
    readonly large: number;
    readonly lost: number;
    readonly twice: number;
    readonly memoryRatio: number;
    readonly outcomes: Readonly<Record<string, string>>;
  };
}

/** The benchmark in short: what it says about time depends on the machine, and is not looked at. */
test("the hostile set ends message by message, the mailbox goes on behind each, and the worker stays within its memory", async () => {
  const bench = startProgram([join(root, "bench/hostile/main.ts"), "--json", "--idle", "1", "--large", "8"], {});
  expect(await bench.ended, bench.output().slice(-2_000)).toBe(0);
  const last = bench.output().trim().split("\n").at(-1) ?? "";
  const { hostile } = JSON.parse(last) as Document;
  expect(hostile).toMatchObject({ lost: 0, twice: 0, large: 8, behindThem: hostile.messages });
  expect(hostile.handedOff + hostile.quarantined).toBe(hostile.messages);
  expect(hostile.outcomes).toMatchObject({
    "20,000 parts": "message.quarantined MESSAGE_UNPARSEABLE",
    "300 levels": "message.quarantined MESSAGE_UNPARSEABLE",
    "200,000 header fields": "message.quarantined MESSAGE_UNPARSEABLE",
    "100,000 addresses": "message.quarantined MESSAGE_UNPARSEABLE",
    "one line of 8 MB": "message.added",
    "broken base64": "message.added",
    "lying charset": "message.added",
    "300,000 open tags": "message.added",
    "1 GB attachment": "message.quarantined MESSAGE_TOO_LARGE",
    "1 GB announced as 3 kB": "message.quarantined MESSAGE_TOO_LARGE",
    "literal that never ends": "message.quarantined MESSAGE_TOO_LARGE",
    "150 MB attachment": "message.added",
    "40 MB of text": "message.added MESSAGE_TOO_LARGE",
    "20 MB announced as 2 kB": "message.added",
  });
  expect(hostile.memoryRatio).toBeLessThanOrEqual(1.1);
}, 300_000);
