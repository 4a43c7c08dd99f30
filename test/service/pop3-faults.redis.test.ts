import { type FailureCode, limits, type MailEvent } from "@mailfleet/core";
import { afterEach, describe, expect, test } from "vitest";
import { middle, order, type Order, silenceMs, syncToTheEnd } from "./misbehaving-server.ts";
import { events, record, sandbox, setUpSyncBench, sync, truth, world } from "./sync-bench.ts";

setUpSyncBench({ messages: 60, protocol: "pop3", pop3Limits: { commandSilenceMs: silenceMs } });

afterEach(() => sandbox.faults.clear());

const uidlOf = (event: MailEvent): string | undefined => ("uidl" in event ? event.uidl : undefined);
const added = async () => (await events()).filter((event) => event.type === "message.added");

/** Every message of the INBOX was handed off, once, with the very bytes that the server sends over POP3. */
async function expectAll(): Promise<void> {
  const there = truth("INBOX");
  const hashes = new Map(there.map((one) => [String(one.uid), one.pop3Sha256()]));
  const handed = await added();
  expect(handed.map((event) => uidlOf(event) ?? "").sort()).toEqual([...hashes.keys()].sort());
  for (const event of handed) expect(event.raw.sha256).toBe(hashes.get(uidlOf(event) ?? ""));
  expect((await record())?.ledger).toMatchObject({ handedOff: there.length, quarantined: 0, toDo: 0 });
}

describe("a POP3 session that is lost in the middle loses no message, and ends with the name of what happened", () => {
  const content = (name: string, params: Order["params"]): Order => ({ name, folder: "INBOX", params: { bytes: 40, ...params } });
  const rows: readonly (readonly [what: string, order: Order, ending: FailureCode | "cut-short" | "done"])[] = [
    ["a reset inside a message", content("reset", { where: "literal", reset: true }), "SESSION_CLOSED"],
    ["an end without words inside a message", content("reset", { where: "literal" }), "SESSION_CLOSED"],
    ["silence inside a message", content("silence", { where: "literal" }), "SESSION_CLOSED"],
    ["a message that does not end", { name: "terminator-missing", folder: "INBOX" }, "SESSION_CLOSED"],
    ["silence in place of an answer", { name: "silence", params: { verb: "RETR" } }, "SESSION_CLOSED"],
    ["a token that expires between commands", { name: "token-expiry", params: { at: "between", verb: "RETR" } }, "SESSION_EXPIRED"],
    ["a session that is stale from its login on", { name: "stale-session" }, "SESSION_EXPIRED"],
    // What may be a stale token is tried once more with a fresh one.
    ["a session that is invalidated, twice", { name: "session-invalidated", times: 2 }, "TOKEN_REJECTED"],
    ["a login that is refused, twice", { name: "auth-logon-failure", times: 2 }, "TOKEN_REJECTED"],
    ["a login that is challenged, twice", { name: "auth-challenge", times: 2 }, "TOKEN_REJECTED"],
    ["a mailbox that is not connected", { name: "auth-not-connected" }, "MAILBOX_ACCESS_DENIED"],
    ["a back end that is away", { name: "server-unavailable", params: { verb: "RETR" } }, "SERVER_UNAVAILABLE"],
    ["a failover", { name: "server-unavailable", params: { verb: "RETR", form: "bye" } }, "SERVER_UNAVAILABLE"],
    ["throttling", { name: "throttle", params: { at: "command", bye: true } }, "SERVER_THROTTLED"],
    ["a list that cannot be read", { name: "list-malformed" }, "PROTOCOL_VIOLATION"],
    ["more messages than it counts", { name: "counts-differ", params: { by: -1 } }, "PROTOCOL_VIOLATION"],
    ["fewer messages than it counts", { name: "counts-differ", params: { by: 3 } }, "done"],
    ["a UIDL that stands there twice", { name: "uidl-duplicate" }, "PROTOCOL_VIOLATION"],
    ["a UIDL that is too long", { name: "uidl-too-long" }, "PROTOCOL_VIOLATION"],
    ["a status line without an end", { name: "status-line-huge", params: { bytes: 200_000 } }, "PROTOCOL_VIOLATION"],
  ];

  test.each(rows)("%s", async (_, fault, ending) => {
    order({ times: 1, ...fault, ...("folder" in fault && { uid: middle() }) });
    const outcome = await sync("backfill");
    expect(outcome.kind === "failed" ? outcome.failure.code : outcome.kind).toBe(ending);
    expect(await syncToTheEnd()).toMatchObject({ kind: "done" });
    await expectAll();
  });
});

describe("a POP3 server that answers oddly with +OK", () => {
  test.each([
    ["ends torn over TLS records", { name: "terminator-split" }],
    ["sizes three times too big", { name: "size-factor", params: { factor: 3 } }],
    ["sizes of 0", { name: "size-factor", params: { factor: 0 } }],
    ["bytes that drip", { name: "drip", params: { bytes: 4_000, everyMs: 2 } }],
    ["pipelining", { name: "pop-pipelining" }],
    ["the newest first", { name: "list-reversed" }],
    ["no TOP", { name: "top-refused" }],
    ["a capability that is missing", { name: "pop-capabilities", params: { without: "TOP UIDL" } }],
  ] as readonly (readonly [string, Order])[])("%s: nothing is lost, nothing comes twice", async (_, fault) => {
    order(fault);
    expect(await syncToTheEnd()).toMatchObject({ kind: "done" });
    await expectAll();
  });
});

describe("items that Exchange cannot convert (row 45)", () => {
  test("a corrupt message is asked for again, then quarantined, and holds up nothing", async () => {
    const victim = middle();
    const count = truth("INBOX").length;
    order({ name: "message-corrupted", folder: "INBOX", uid: victim });
    await sync("backfill");
    expect((await record())?.ledger).toMatchObject({ handedOff: count - 1, quarantined: 0, toDo: 1 });
    for (let tries = 2; tries <= limits.unfetchableTries; tries++) {
      world.clockOffset += limits.unfetchableRetryMs + 1;
      await sync("fresh");
    }
    const quarantined = (await events()).filter((event) => event.type === "message.quarantined");
    expect(quarantined).toMatchObject([{ uidl: String(victim), quarantine: { code: "MESSAGE_UNFETCHABLE" } }]);
    expect((await record())?.ledger).toMatchObject({ listed: count, quarantined: 1, toDo: 0 });
  });

  test("one that the list does not show is not owed, and is handed off once it is shown", async () => {
    const victim = middle();
    order({ name: "message-hidden", folder: "INBOX", uid: victim });
    expect(await syncToTheEnd()).toMatchObject({ kind: "done" });
    expect((await added()).map(uidlOf)).not.toContain(String(victim));
    expect((await record())?.ledger).toMatchObject({ listed: truth("INBOX").length - 1, toDo: 0 });
    sandbox.faults.clear();
    for (let day = 0; day < 3; day++) {
      world.clockOffset += 86_400_000;
      await sync("fresh");
      await sync("backfill");
    }
    expect((await added()).map(uidlOf).filter((uidl) => uidl === String(victim))).toHaveLength(1);
    await expectAll();
  });
});
