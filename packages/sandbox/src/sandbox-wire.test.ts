import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TestBench, smallWorld, support, xoauth2 } from "./sandbox.fixture.ts";

let bench: TestBench;

beforeEach(async () => {
  bench = await TestBench.start();
});

afterEach(async () => {
  await bench.close();
});

describe("on the wire", () => {
  test("greeting, capabilities and sign-off are Exchange's", async () => {
    const raw = bench.raw();
    const greeting = await raw.line();
    expect(greeting).toMatch(/^\* OK The Microsoft Exchange IMAP4 service is ready\. \[[A-Za-z0-9+/=]+\]$/);
    expect(Buffer.from(greeting?.slice(greeting.indexOf("[") + 1, -1) ?? "", "base64").toString("utf16le")).toBe(
      "MF1P000CA0001.SANDBOX.EXAMPLE",
    );
    expect((await raw.ask("a CAPABILITY"))[0]).toBe(
      "* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+",
    );
    raw.send("b AUTHENTICATE XOAUTH2");
    expect(await raw.line()).toMatch(/^\+ ?$/);
    raw.send(xoauth2(support, await bench.token("contoso")));
    expect(await raw.line()).toBe("b OK AUTHENTICATE completed.");
    expect((await raw.ask("c CAPABILITY"))[0]).toContain("SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES");
    expect(await raw.ask('d LIST "" "Deleted Items"')).toEqual([
      '* LIST (\\HasNoChildren \\Trash) "/" "Deleted Items"',
      "d OK LIST completed.",
    ]);
    expect(await raw.ask('e LIST "" Cal%')).toEqual(['* LIST (\\HasChildren) "/" Calendar', "e OK LIST completed."]);
    expect(await raw.ask("f LOGOUT")).toEqual(["* BYE Microsoft Exchange Server IMAP4 server signing off.", "f OK LOGOUT completed."]);
    expect(await raw.line()).toBeUndefined();
  });

  test("SELECT has the seven lines, and no custom keywords", async () => {
    const raw = await bench.loggedIn();
    const lines = await raw.ask("a SELECT INBOX");
    expect(lines.map((line) => line.replaceAll(/[0-9]+/g, "n"))).toEqual([
      "* n EXISTS",
      "* n RECENT",
      "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)",
      "* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)] Permanent flags",
      "* OK [UNSEEN n] Is the first unseen message",
      "* OK [UIDVALIDITY n] UIDVALIDITY value",
      "* OK [UIDNEXT n] The next unique identifier value",
      "a OK [READ-WRITE] SELECT completed.",
    ]);
    expect(await raw.ask("b EXAMINE Nowhere")).toEqual(["b NO Nowhere doesn't exist."]);
  });

  test("a UID that is not there is passed over, a number that is not there is refused", async () => {
    const raw = await bench.loggedIn();
    await raw.ask("a EXAMINE INBOX");
    expect(await raw.ask("b UID FETCH 4000000 (FLAGS)")).toEqual(["b OK FETCH completed."]);
    expect((await raw.ask("c UID FETCH 4000000:* (FLAGS)")).length).toBe(2);
    expect(await raw.ask("d FETCH 4000000 (FLAGS)")).toEqual(["d BAD [*] The specified message set is invalid."]);
  });

  test("reading without PEEK marks a message seen, but not under EXAMINE", async () => {
    const raw = await bench.loggedIn();
    const uid = bench.sandbox.deliver(support, "INBOX", Buffer.from("Subject: s\r\n\r\n0123456789"));
    await raw.ask("a EXAMINE INBOX");
    expect(await raw.ask(`b UID FETCH ${String(uid)} (BODY[TEXT])`)).toEqual([
      expect.stringMatching(/BODY\[TEXT\] \{10\}$/),
      `0123456789 UID ${String(uid)})`,
      "b OK FETCH completed.",
    ]);
    await raw.ask("c SELECT INBOX");
    const partial = await raw.ask(`d UID FETCH ${String(uid)} (UID BODY[TEXT]<2.3>)`);
    expect(partial.join("\n")).toMatch(/UID [0-9]+ BODY\[TEXT\]<2> \{3\}\n234 FLAGS \(\\Seen\)\)\nd OK/);
  });

  test("a removal by another session is told where numbers may shift, and a FETCH of it says so", async () => {
    const raw = await bench.loggedIn();
    const selected = await raw.ask("a SELECT INBOX");
    const count = Number(/^\* ([0-9]+) EXISTS/.exec(selected[0] ?? "")?.[1]);
    const uid = [...bench.sandbox.truth()].find((entry) => entry.address === support && entry.folder === "INBOX")?.uid ?? 0;
    bench.sandbox.expunge(support, "INBOX", [uid]);
    expect(await raw.ask("b FETCH 1 (UID)")).toEqual(["b NO Some of the requested messages no longer exist."]);
    expect(await raw.ask("c NOOP")).toEqual(["* 1 EXPUNGE", "c OK NOOP completed."]);
    expect((await raw.ask(`d FETCH ${String(count - 1)} (UID)`)).at(-1)).toBe("d OK FETCH completed.");
  });

  test("three bad commands end the connection", async () => {
    const raw = await bench.loggedIn();
    expect(await raw.ask("a ENABLE CONDSTORE")).toEqual(["a BAD Command Error. 12"]);
    expect(await raw.ask('b LIST "" "*" RETURN (STATUS)')).toEqual(["b BAD Command Argument Error. 12"]);
    expect((await raw.ask("c NOOP")).at(-1)).toBe("c OK NOOP completed.");
    expect(await raw.ask("d FETCH 1 (FLAGS)")).toEqual(["d BAD Command received in Invalid state."]);
    expect(await raw.line()).toBe("* BYE Connection closed. 14");
    expect(await raw.line()).toBeUndefined();
  });

  test("a refused mailbox is authenticated and not connected", async () => {
    bench.sandbox.setRefused(support, true);
    for (const address of [support, "nobody@contoso.example"]) {
      const raw = await bench.loggedIn(address);
      expect((await raw.ask("a CAPABILITY")).at(-1)).toBe("a OK CAPABILITY completed.");
      for (const tag of ["b", "c", "d"])
        expect(await raw.ask(`${tag} NAMESPACE`)).toEqual([`${tag} BAD User is authenticated but not connected.`]);
      expect(await raw.line()).toBe("* BYE Connection closed. 14");
    }
    bench.sandbox.setRefused(support, false);
    expect((await (await bench.loggedIn()).ask("a NAMESPACE"))[0]).toBe('* NAMESPACE (("" "/")) NIL NIL');
  });

  test("a throttled mailbox names the wait, at login and in a session", async () => {
    const raw = await bench.loggedIn();
    bench.sandbox.setThrottled(support, Date.now() + 60_000);
    expect((await raw.ask("a NAMESPACE"))[0]).toMatch(
      /^a NO Request is throttled\. Suggested Backoff Time: (60000|59[0-9]{3}) milliseconds$/,
    );
    const next = bench.raw();
    await next.line();
    expect((await next.ask(`b AUTHENTICATE XOAUTH2 ${xoauth2(support, await bench.token("contoso"))}`))[0]).toMatch(
      /^b NO Request is throttled\./,
    );
    bench.sandbox.setThrottled(support, 0);
    expect((await raw.ask("c NAMESPACE")).at(-1)).toBe("c OK NAMESPACE completed.");
  });

  test("the session ends with its token, inside IDLE and between commands", async () => {
    await bench.restart({ ...smallWorld, tokenLifetimeSeconds: 2 });
    const accessToken = await bench.token("contoso");
    const idling = await bench.loggedIn(support, accessToken);
    idling.send("a IDLE");
    expect(await idling.line()).toBe("+ IDLE accepted, awaiting DONE command.");
    const waiting = await bench.loggedIn(support, accessToken);
    expect(await idling.line()).toBe("* BYE Session invalidated - AccessTokenExpired");
    waiting.send("b NOOP");
    expect(await waiting.line()).toBe("* BYE Session invalidated - AccessTokenExpired");
    expect(await waiting.line()).toBeUndefined();
  });

  test("a UIDVALIDITY change ends the session on that folder", async () => {
    const raw = await bench.loggedIn();
    await raw.ask("a SELECT INBOX");
    const next = bench.sandbox.resetUidValidity(support, "INBOX");
    raw.send("b NOOP");
    expect(await raw.line()).toBe("* BYE Connection closed.");
    expect((await (await bench.loggedIn()).ask("c STATUS INBOX (UIDVALIDITY)"))[0]).toBe(`* STATUS INBOX (UIDVALIDITY ${String(next)})`);
  });

  test("a line without end is cut off", async () => {
    const raw = await bench.loggedIn();
    raw.send(`a NOOP ${"x".repeat(20_000)}`);
    expect(await raw.line()).toBe("a BAD Command Argument Error. 11");
    expect(await raw.line()).toBe("* BYE Connection closed. 14");
  });
});
