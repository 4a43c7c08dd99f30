import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TestBench, support } from "./sandbox.fixture.ts";
import type { RawConnection } from "./sandbox.fixture.ts";

let bench: TestBench;

beforeEach(async () => {
  bench = await TestBench.start();
});

afterEach(async () => {
  await bench.close();
});

const mail = (subject: string): Buffer => Buffer.from(`Message-ID: <${subject}@x>\r\nSubject: ${subject}\r\n\r\n${subject}\r\n`);

function uidsIn(folder: string): number[] {
  return [...bench.sandbox.truth()].filter((one) => one.address === support && one.folder === folder).map((one) => one.uid);
}

function flagsOf(folder: string, uid: number): readonly string[] | undefined {
  return [...bench.sandbox.truth()].find((one) => one.address === support && one.folder === folder && one.uid === uid)?.flags();
}

async function statusOf(raw: RawConnection, folder: string): Promise<Record<string, number>> {
  const [line = ""] = await raw.ask(`s STATUS ${folder} (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)`);
  const words = line.slice(line.lastIndexOf("(") + 1, -1).split(" ");
  return Object.fromEntries(words.flatMap((word, at) => (at % 2 === 0 ? [[word, Number(words[at + 1])]] : [])));
}

describe("what others do to a mailbox", () => {
  test("an idling session hears of mail, flags and removals one after the other, at once", async () => {
    const raw = await bench.loggedIn();
    const [exists = ""] = await raw.ask("a EXAMINE INBOX");
    const count = Number(/\d+/.exec(exists)?.[0]);
    raw.send("b IDLE");
    expect(await raw.line()).toMatch(/^\+ /);
    const uid = bench.sandbox.deliver(support, "INBOX", mail("live"));
    expect(await raw.line()).toBe(`* ${String(count + 1)} EXISTS`);
    bench.sandbox.setFlags(support, "INBOX", uid, ["\\Flagged", "\\Seen"]);
    expect(await raw.line()).toBe(`* ${String(count + 1)} FETCH (FLAGS (\\Seen \\Flagged))`);
    bench.sandbox.move(support, "INBOX", "Archive", [uid]);
    expect(await raw.line()).toBe(`* ${String(count + 1)} EXPUNGE`);
    raw.send("DONE");
    expect(await raw.line()).toBe("b OK IDLE completed.");
  });

  test("a move deals a new UID, keeps flags, date and bytes, and says which became which", async () => {
    const date = new Date(Date.UTC(2026, 4, 1, 10));
    const uid = bench.sandbox.deliver(support, "INBOX", mail("moved"), { flags: ["\\Flagged"], internalDate: date });
    const before = uidsIn("Archive");
    const map = bench.sandbox.move(support, "inbox", "archive", [uid, 4_000_000]);
    const [moved = 0] = uidsIn("Archive").filter((one) => !before.includes(one));
    expect([...map]).toEqual([[uid, moved]]);
    expect(moved).toBeGreaterThan(Math.max(...before));
    expect(uidsIn("INBOX")).not.toContain(uid);
    expect(flagsOf("Archive", moved)).toEqual(["\\Flagged"]);
    expect(bench.sandbox.bytes(support, "Archive", moved)).toEqual(mail("moved"));
    const raw = await bench.loggedIn();
    await raw.ask("a EXAMINE Archive");
    expect((await raw.ask(`b UID FETCH ${String(moved)} (INTERNALDATE)`))[0]).toContain('INTERNALDATE " 1-May-2026 10:00:00 +0000"');
  });

  test("UNSEEN follows what comes, goes and is read", async () => {
    const raw = await bench.loggedIn();
    const start = await statusOf(raw, "INBOX");
    const a = bench.sandbox.deliver(support, "INBOX", mail("a"));
    const b = bench.sandbox.deliver(support, "INBOX", mail("b"), { flags: ["\\Seen"] });
    const unseen = async (): Promise<number> => ((await statusOf(raw, "INBOX"))["UNSEEN"] ?? 0) - (start["UNSEEN"] ?? 0);
    expect(await unseen()).toBe(1);
    bench.sandbox.setFlags(support, "INBOX", b, []);
    expect(await unseen()).toBe(2);
    bench.sandbox.setFlags(support, "INBOX", a, ["\\Seen"]);
    expect(await unseen()).toBe(1);
    bench.sandbox.expunge(support, "INBOX", [b]);
    expect(await unseen()).toBe(0);
    const kept = uidsIn("INBOX");
    bench.sandbox.restore(support, "INBOX", kept.slice(0, 3));
    const again = await bench.loggedIn();
    const left = kept.slice(0, 3).filter((uid) => flagsOf("INBOX", uid)?.includes("\\Seen") !== true).length;
    expect((await statusOf(again, "INBOX"))["UNSEEN"]).toBe(left);
  });

  test("a renamed folder keeps UIDVALIDITY and UIDs, takes the folders below it along, and its old name is free", async () => {
    bench.sandbox.createFolder(support, "Old");
    bench.sandbox.createFolder(support, "Old/Below");
    const uid = bench.sandbox.deliver(support, "Old", mail("kept"));
    bench.sandbox.deliver(support, "Old/Below", mail("below"));
    const raw = await bench.loggedIn();
    const before = await statusOf(raw, "Old");
    bench.sandbox.renameFolder(support, "Old", "New");
    expect(await statusOf(raw, "New")).toEqual(before);
    expect(uidsIn("New")).toEqual([uid]);
    expect(uidsIn("New/Below")).toEqual([1]);
    expect(await raw.ask("a EXAMINE Old")).toEqual(["a NO Old doesn't exist."]);
    expect(() => bench.sandbox.renameFolder(support, "New", "inbox")).toThrow("already");
    bench.sandbox.createFolder(support, "Old");
    expect((await statusOf(raw, "Old"))["UIDVALIDITY"]).toBeGreaterThan(before["UIDVALIDITY"] ?? 0);
    expect(() => bench.sandbox.createFolder(support, "old")).toThrow("already");
  });

  test("a deleted folder ends the sessions on it and takes the folders below it along", async () => {
    bench.sandbox.createFolder(support, "Gone");
    bench.sandbox.createFolder(support, "Gone/Below");
    const raw = await bench.loggedIn();
    await raw.ask("a EXAMINE Gone/Below");
    raw.send("b IDLE");
    await raw.line();
    bench.sandbox.deleteFolder(support, "Gone");
    expect(await raw.line()).toBe("* BYE Connection closed.");
    expect(await (await bench.loggedIn()).ask('c LIST "" Gone*')).toEqual(["c OK LIST completed."]);
  });

  test("a restore keeps UIDVALIDITY and deals UIDs again, to other mail, also after a restart", async () => {
    bench.sandbox.createFolder(support, "Box");
    const uids = ["a", "b", "c", "d"].map((name) => bench.sandbox.deliver(support, "Box", mail(name)));
    const raw = await bench.loggedIn();
    const { UIDVALIDITY } = await statusOf(raw, "Box");
    await raw.ask("a EXAMINE Box");
    bench.sandbox.restore(support, "Box", uids.slice(0, 2));
    raw.send("b NOOP");
    expect(await raw.line()).toBe("* BYE Connection closed.");
    expect(bench.sandbox.deliver(support, "Box", mail("e"))).toBe(uids[2]);
    await bench.restart();
    expect(uidsIn("Box")).toEqual(uids.slice(0, 3));
    expect(bench.sandbox.bytes(support, "Box", uids[2] ?? 0)).toEqual(mail("e"));
    expect(await statusOf(await bench.loggedIn(), "Box")).toMatchObject({ UIDVALIDITY, UIDNEXT: 4, MESSAGES: 3 });
  });

  test("a planted message is there under a UID that was dealt before, also after a restart", async () => {
    const [first, second] = [bench.sandbox.deliver(support, "INBOX", mail("a")), bench.sandbox.deliver(support, "INBOX", mail("b"))];
    bench.sandbox.expunge(support, "INBOX", [first]);
    expect(() => bench.sandbox.plant(support, "INBOX", second, mail("x"))).toThrow("unused UID");
    expect(() => bench.sandbox.plant(support, "INBOX", second + 1, mail("x"))).toThrow("unused UID");
    bench.sandbox.plant(support, "INBOX", first, mail("planted"), { flags: ["\\Seen"] });
    await bench.restart();
    expect(uidsIn("INBOX").slice(-2)).toEqual([first, second]);
    expect(bench.sandbox.bytes(support, "INBOX", first)).toEqual(mail("planted"));
    const raw = await bench.loggedIn();
    await raw.ask("a EXAMINE INBOX");
    expect(await raw.ask(`b UID FETCH ${String(first)}:${String(second)} (FLAGS)`)).toHaveLength(3);
    expect(await raw.ask(`c UID SEARCH UID ${String(first)}`)).toEqual([`* SEARCH ${String(first)}`, "c OK SEARCH completed."]);
  });

  test("a message that cannot be converted is forged, one can be missing from OK, one makes it a NO; flags and sizes come as ever", async () => {
    const uids = ["a", "b", "c", "d"].map((name) => bench.sandbox.deliver(support, "INBOX", mail(name)));
    const [a = 0, b = 0, c = 0, d = 0] = uids;
    const set = `${String(a)}:${String(d)}`;
    bench.sandbox.setFetchFault(support, "INBOX", a, "placeholder");
    bench.sandbox.setFetchFault(support, "INBOX", b, "no-data");
    const raw = await bench.loggedIn();
    await raw.ask("a EXAMINE INBOX");
    const lines = await raw.ask(`b UID FETCH ${set} (BODY.PEEK[])`);
    expect(lines.join("\n")).toContain(`Retrieval using the IMAP4 protocol failed for the following message:\n ${String(a)}\n`);
    expect(lines).toContain("The server couldn't retrieve the following message:");
    expect(lines.filter((line) => line.includes("FETCH ("))).toHaveLength(3);
    expect(lines.at(-1)).toBe("b OK FETCH completed.");
    expect((await raw.ask(`c UID FETCH ${set} (FLAGS RFC822.SIZE)`)).length).toBe(5);
    bench.sandbox.setFetchFault(support, "INBOX", c, "partial-no");
    const partial = await raw.ask(`d UID FETCH ${set} (BODY.PEEK[HEADER.FIELDS (SUBJECT)])`);
    expect(partial.filter((line) => line.startsWith("Subject: "))).toEqual([
      "Subject: Retrieval using the IMAP4 protocol failed for the following message:",
      "Subject: d",
    ]);
    expect(partial.at(-1)).toBe("d NO Some of the requested messages no longer exist.");
    for (const uid of uids) bench.sandbox.setFetchFault(support, "INBOX", uid, undefined);
    expect((await raw.ask(`e UID FETCH ${set} (BODY.PEEK[])`)).filter((line) => line.includes("FETCH ("))).toHaveLength(4);
  });
});

describe("a folder of 100,000 messages", () => {
  test(
    "starts in seconds, has the asked length on average, and answers STATUS, flags and headers without making bodies",
    { timeout: 60_000 },
    async () => {
      const from = performance.now();
      const shape = { messages: 100_000, meanBytes: 40_000, inboxOnly: true };
      await bench.restart({ tenants: [{ alias: "contoso", mailboxes: 1, ...shape }] });
      const [address = ""] = bench.sandbox.tenants[0]?.addresses ?? [];
      const raw = await bench.loggedIn(address);
      expect(await statusOf(raw, "INBOX")).toMatchObject({ MESSAGES: 100_000 });
      expect(performance.now() - from).toBeLessThan(20_000);
      expect((await statusOf(raw, "Archive"))["MESSAGES"]).toBe(0);
      const { uids, bytes } = sample(address);
      expect(bytes / uids.length).toBeGreaterThan(34_000);
      expect(bytes / uids.length).toBeLessThan(46_000);
      await raw.ask("a EXAMINE INBOX");
      const flags = await raw.ask("b UID FETCH 1:* (FLAGS)");
      expect(flags).toHaveLength(100_001);
      const uid = uids[7] ?? 0;
      const headers = await raw.ask(`c UID FETCH ${String(uid)} (BODY.PEEK[HEADER])`);
      const whole = bench.sandbox.bytes(address, "INBOX", uid).toString("latin1");
      expect(`${headers.slice(1, -2).join("\r\n")}\r\n`).toBe(whole.slice(0, whole.indexOf("\r\n\r\n") + 4));
    },
  );

  function sample(address: string): { uids: number[]; bytes: number } {
    const uids = [...bench.sandbox.truth()].filter((one) => one.folder === "INBOX").map((one) => one.uid);
    const some = uids.filter((_, at) => at % 10 === 0);
    return { uids: some, bytes: some.reduce((sum, uid) => sum + bench.sandbox.bytes(address, "INBOX", uid).length, 0) };
  }
});
