import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { TestBench, support, xoauth2 } from "../sandbox.fixture.ts";

let bench: TestBench;

beforeAll(async () => {
  bench = await TestBench.start();
});

afterEach(() => bench.sandbox.faults.clear());

afterAll(async () => {
  await bench.close();
});

const order: TestBench["sandbox"]["faults"]["add"] = (fault) => bench.sandbox.faults.add(fault);

function uidsIn(folder: string): readonly number[] {
  return [...bench.sandbox.truth()].filter((one) => one.address === support && one.folder === folder).map((one) => one.uid);
}

describe("the front end of 2026", () => {
  test("greets otherwise, disables LOGIN, and breaks SEARCH and LSUB once IMAP4rev2 is enabled", async () => {
    order({ name: "front-end", params: { search: "empty" } });
    const raw = bench.raw();
    expect(await raw.line()).toMatch(
      /^\* OK Microsoft Exchange IMAP4 service ready\. [0-9a-f-]{36} \(tcpproxy\/15\.21\.0406\.000 BACKENDAUTHENTICATE\) \[[A-Za-z0-9+/=]+\]$/,
    );
    expect((await raw.ask("a CAPABILITY"))[0]).toBe(
      "* CAPABILITY IMAP4 IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
    );
    await raw.ask(`b AUTHENTICATE XOAUTH2 ${xoauth2(support, await bench.token("contoso"))}`);
    expect((await raw.ask("c CAPABILITY"))[0]).toContain("ENABLE IMAP4rev2 CLIENTACCESSRULES");
    await raw.ask("d EXAMINE INBOX");
    expect((await raw.ask("e UID SEARCH ALL"))[0]).toMatch(/^\* SEARCH [0-9]/);
    expect(await raw.ask("f ENABLE IMAP4rev2")).toEqual(["* ENABLED IMAP4rev2", "f OK ENABLE completed."]);
    expect(await raw.ask("g UID SEARCH ALL")).toEqual(["g OK SEARCH completed."]);
    expect(await raw.ask('h LSUB "" "*"')).toEqual(["h BAD Command Error. 12"]);
  });

  test("answers some connections and not others, the same ones in a run with the same seed", async () => {
    const run = async (): Promise<string> => {
      await bench.restart();
      order({ name: "front-end", chance: 0.5 });
      let kinds = "";
      const blob = xoauth2(support, await bench.token("contoso"));
      for (let n = 0; n < 12; n++) {
        const raw = bench.raw();
        const isNew = (await raw.line())?.includes("tcpproxy") === true;
        kinds += isNew ? "t" : "c";
        // What greeted goes on.
        await raw.ask(`a AUTHENTICATE XOAUTH2 ${blob}`);
        expect((await raw.ask("b CAPABILITY"))[0]?.includes("IMAP4rev2")).toBe(isNew);
      }
      return kinds;
    };
    const first = await run();
    expect(first).toMatch(/t/);
    expect(first).toMatch(/c/);
    expect(await run()).toBe(first);
  });

  test("shows after the login where it was ordered for a tenant", async () => {
    order({ name: "front-end", tenant: "contoso" });
    const raw = await bench.loggedIn();
    expect((await raw.ask("a CAPABILITY"))[0]).toContain("IMAP4rev2");
  });
});

describe("folders", () => {
  test("capabilities differ from one connection to the next", async () => {
    order({ name: "capabilities", params: { without: "MOVE UIDPLUS", also: "XLIST" }, times: 1 });
    const odd = await bench.loggedIn();
    const line = (await odd.ask("a CAPABILITY"))[0] ?? "";
    expect(line).toMatch(/ XLIST$/);
    expect(line).not.toMatch(/ (MOVE|UIDPLUS) /);
    expect((await (await bench.loggedIn()).ask("a CAPABILITY"))[0]).toContain(" MOVE ");
  });

  test.each([
    ["de", "Gel&APY-schte Elemente", "Kalender/Geburtstage"],
    ["fr", "&AMk-l&AOk-ments supprim&AOk-s", "Calendrier/Anniversaires"],
    ["ja", "&UkqWZG4IMH8wojCkMMYw4A-", "&Toha2ohY-/&irB1H2XU-"],
  ])("are named in the language of their owner (%s), and only so", async (language, trash, birthdays) => {
    const raw = await bench.loggedIn();
    order({ name: "localised", mailbox: support, params: { language } });
    const lines = await raw.ask('a LIST "" "*"');
    expect(lines.find((line) => line.includes("\\Trash"))).toContain(trash);
    expect(lines.some((line) => line.endsWith(" INBOX"))).toBe(true);
    expect(lines.some((line) => line.includes("Deleted Items"))).toBe(false);
    expect((await raw.ask(`b EXAMINE "${trash}"`)).at(-1)).toBe("b OK [READ-ONLY] EXAMINE completed.");
    expect((await raw.ask('c EXAMINE "Deleted Items"')).at(-1)).toBe("c NO Deleted Items doesn't exist.");
    if (language === "ja") return;
    expect((await raw.ask(`d STATUS "${birthdays}" (MESSAGES)`))[0]).toContain(birthdays);
  });

  test("come without quotes, without their use, or without INBOX", async () => {
    const raw = await bench.loggedIn();
    order({ name: "unquoted-names", mailbox: support });
    expect(await raw.ask('a LIST "" "Sent Items"')).toContain('* LIST (\\HasNoChildren \\Sent) "/" Sent Items');
    order({ name: "no-special-use", tenant: "contoso" });
    expect(await raw.ask('b LIST "" "Sent Items"')).toContain('* LIST (\\HasNoChildren) "/" Sent Items');
    order({ name: "inbox-hidden", mailbox: support });
    expect(await raw.ask('c LIST "" INBOX')).toEqual(["c OK LIST completed."]);
  });

  test("get a new UIDVALIDITY, lose their newest messages, and become many, at the ordered time", async () => {
    const raw = await bench.loggedIn();
    const status = async (): Promise<string> => (await (await bench.loggedIn()).ask("a STATUS INBOX (UIDVALIDITY UIDNEXT)"))[0] ?? "";
    const validity = async (): Promise<number> => Number(/UIDVALIDITY ([0-9]+)/.exec(await status())?.[1]);
    const before = await validity();
    await raw.ask("a SELECT INBOX");
    order({ name: "uidvalidity-bump", mailbox: support, folder: "INBOX", afterMs: 1_500 });
    expect(await validity()).toBe(before);
    await expect.poll(validity).toBe(before + 1);
    raw.send("b NOOP");
    expect(await raw.rest()).toEqual(["* BYE Connection closed."]);
    const kept = uidsIn("INBOX");
    order({ name: "uidnext-rollback", mailbox: support, params: { messages: 2 } });
    expect(uidsIn("INBOX")).toEqual(kept.slice(0, -2));
    expect(await status()).toContain(`UIDNEXT ${String((kept.at(-3) ?? 0) + 1)}`);
    expect(await validity()).toBe(before + 1);
    order({ name: "folders-many", mailbox: support, params: { count: 300 } });
    const lines = await (await bench.loggedIn()).ask('a LIST "" "Folder *"');
    expect(lines.length).toBe(301);
    expect(bench.sandbox.faults.list()).toEqual([]);
  });
});

describe("the catalogue", () => {
  test("a run with the same seed and the same orders is the same run", async () => {
    const run = async (): Promise<string[]> => {
      await bench.restart();
      order({ name: "server-unavailable", tenant: "contoso", chance: 0.3, params: { verb: "NAMESPACE" } });
      order({ name: "throttle", mailbox: support, chance: 0.3, params: { at: "command", hintMs: 5_000 } });
      order({ name: "auth-no", tenant: "contoso", chance: 0.4 });
      order({ name: "rerendered", mailbox: support });
      const seen: string[] = [];
      for (let n = 0; n < 10; n++) {
        const { raw, answer } = await bench.login();
        seen.push(answer);
        for (const command of ["NAMESPACE", "EXAMINE INBOX", "UID FETCH 1:* (BODY.PEEK[HEADER])"])
          seen.push(...(await raw.ask(`a ${command}`)));
        raw.close();
      }
      return seen;
    };
    const first = await run();
    expect(first.some((line) => line.startsWith("L NO"))).toBe(true);
    expect(first.some((line) => line.includes("throttled"))).toBe(true);
    expect(await run()).toEqual(first);
  });
});
