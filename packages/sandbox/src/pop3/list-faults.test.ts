import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TestBench } from "../sandbox.fixture.ts";
import { loggedIn, type RawPop3 } from "./pop3.fixture.ts";

let bench: TestBench;
let mailbox: string;
let boxes: Iterator<string>;

beforeAll(async () => {
  bench = await TestBench.start();
  boxes = bench.tenant("fabrikam").addresses.values();
});

/** A mailbox of its own for each test: some change it for good. */
beforeEach(() => {
  bench.sandbox.faults.clear();
  mailbox = String(boxes.next().value);
  for (let n = 1; n <= 6; n++) bench.sandbox.deliver(mailbox, "INBOX", Buffer.from(`Subject: ${String(n)}\r\n\r\n${String(n)}\r\n`));
});

afterAll(async () => {
  await bench.close();
});

const order: TestBench["sandbox"]["faults"]["add"] = (fault) => bench.sandbox.faults.add({ mailbox, ...fault });
const open = (): Promise<RawPop3> => loggedIn(bench, mailbox);

function uids(): string[] {
  return [...bench.sandbox.truth()].flatMap((entry) => (entry.address === mailbox && entry.folder === "INBOX" ? String(entry.uid) : []));
}

async function uidls(raw?: RawPop3): Promise<string[]> {
  const lines = (await (raw ?? (await open())).lines("UIDL")) ?? [];
  return lines.map((line) => line.split(" ")[1] ?? "");
}

describe("the list of messages", () => {
  test("begins with the newest", async () => {
    order({ name: "list-reversed" });
    const raw = await open();
    expect(await uidls(raw)).toEqual(uids().reverse());
    expect((await raw.message("RETR 1")).toString()).toBe("Subject: 6\r\n\r\n6\r\n");
  });

  test("has another number of messages in STAT than in UIDL and LIST", async () => {
    order({ name: "counts-differ", params: { by: -2 } });
    const raw = await open();
    const count = uids().length;
    expect(await raw.ask("STAT")).toMatch(new RegExp(`^\\+OK ${String(count - 2)} `));
    expect([(await raw.lines("UIDL"))?.length, (await raw.lines("LIST"))?.length]).toEqual([count, count]);
  });

  test("lacks a share of the messages for one session", async () => {
    order({ name: "uidl-vanish", params: { percent: 50 }, times: 1 });
    const first = await uidls();
    expect(first.length).toBeLessThan(uids().length);
    expect(first.length).toBeGreaterThan(0);
    expect(uids()).toEqual(expect.arrayContaining(first));
    expect(await uidls()).toEqual(uids());
  });

  test("has a line that cannot be parsed", async () => {
    for (const [form, line] of [
      ["text", "message one is here"],
      ["number", "99999999999 1"],
      ["empty", ""],
    ] as const) {
      order({ name: "list-malformed", params: { form } });
      expect((await (await open()).lines("UIDL"))?.[0]).toBe(line);
    }
  });
});

describe("UIDLs", () => {
  test("are dealt again to other messages, and neither count nor newest tell", async () => {
    const before = await open();
    const [list, listed] = [await uidls(before), (await before.ask("STAT"))?.split(" ")[1]];
    order({ name: "uidl-reused", params: { messages: 2 } });
    before.send("NOOP");
    expect(await before.rest()).toBe("-ERR Server Unavailable. 21\r\n-ERR Connection is closed. 22\r\n");
    const raw = await open();
    expect(await uidls(raw)).toEqual(list);
    expect((await raw.ask("STAT"))?.split(" ")[1]).toBe(listed);
    const subjects: string[] = [];
    for (const back of [3, 2, 1])
      subjects.push((await raw.lines(`TOP ${String(list.length + 1 - back)} 0`))?.find((line) => line.startsWith("Subject")) ?? "");
    expect(subjects).toEqual(["Subject: 4", `Subject: reused-${list.at(-2) ?? ""}`, `Subject: reused-${list.at(-1) ?? ""}`]);
  });

  test("fall back where the newest messages were lost, and begin from 1 where the folder was numbered anew", async () => {
    const list = await uidls();
    order({ name: "uidnext-rollback", params: { messages: 2 } });
    expect(await uidls()).toEqual(list.slice(0, -2));
    bench.sandbox.deliver(mailbox, "INBOX", Buffer.from("Subject: other\r\n\r\nother\r\n"));
    expect((await uidls()).at(-1)).toBe(list.at(-2));
    order({ name: "uidvalidity-bump", folder: "INBOX" });
    expect(await uidls()).toEqual(uids().map((_, at) => String(at + 1)));
  });

  test("are long legacy texts for some messages, the same in each session and each for one message", async () => {
    order({ name: "uidl-legacy" });
    const first = await uidls();
    expect(await uidls()).toEqual(first);
    expect(new Set(first).size).toBe(first.length);
    const legacy = first.filter((uidl) => !/^[0-9]+$/.test(uidl));
    expect(legacy.length).toBeGreaterThan(0);
    expect(legacy.length).toBeLessThan(first.length);
    for (const uidl of legacy) expect(uidl).toMatch(/^[!-~]{30,70}$/);
    order({ name: "uidl-legacy", folder: "INBOX", uid: Number(uids().at(-1)) });
    expect((await uidls()).at(-1)).toMatch(/^[0-9A-F]{16}-[0-9]+-[0-9A-F]{16}$/);
  });

  test("are the same for two messages", async () => {
    order({ name: "uidl-duplicate", times: 1 });
    const list = await uidls();
    expect(list.at(-1)).toBe(list.at(-2));
    expect(await uidls()).toEqual(uids());
  });

  test("are longer than the protocol allows", async () => {
    order({ name: "uidl-too-long", times: 1 });
    const list = await uidls();
    expect(list.at(-1)?.length).toBe(71);
    expect(await uidls()).toEqual(uids());
  });
});
