import type { FailureCode } from "@mailfleet/core";
import { afterEach, describe, expect, test } from "vitest";
import { middle, order, type Order, silenceMs, syncToTheEnd } from "./misbehaving-server.ts";
import { events, keyOf, queue, record, sandbox, setUpSyncBench, sync, truth, world } from "./sync-bench.ts";

setUpSyncBench({ messages: 80, imapLimits: { commandSilenceMs: silenceMs } });

afterEach(() => sandbox.faults.clear());

/** Every message of the mailbox was handed off, once, with the very bytes that the server has. */
async function expectAll(): Promise<void> {
  const handed = (await events()).filter((event) => event.type === "message.added");
  const there = truth();
  expect(handed.map(keyOf).sort()).toEqual(there.map((one) => `${one.folder} ${one.uid}`).sort());
  const hashes = new Map(there.map((one) => [`${one.folder} ${one.uid}`, one.sha256()]));
  for (const event of handed) expect(event.raw.sha256).toBe(hashes.get(keyOf(event)));
  expect((await record())?.ledger).toMatchObject({ handedOff: there.length, quarantined: 0, toDo: 0 });
}

describe("a session that is lost in the middle loses no message, and ends with the name of what happened", () => {
  const literal = (name: string, params: Order["params"]): Order => ({ name, folder: "INBOX", params: { bytes: 40, ...params } });
  const fetching: Order["params"] = { verb: "UID FETCH" };
  const rows: readonly (readonly [what: string, order: Order, ending: FailureCode | "cut-short"])[] = [
    ["a reset inside a literal", literal("reset", { where: "literal", reset: true }), "SESSION_CLOSED"],
    ["an end without words inside a literal", literal("reset", { where: "literal" }), "SESSION_CLOSED"],
    ["silence inside a literal", literal("silence", { where: "literal" }), "SESSION_CLOSED"],
    ["silence in place of an answer", { name: "silence", params: fetching }, "SESSION_CLOSED"],
    ["a token that expires inside a literal", literal("token-expiry", { at: "literal" }), "SESSION_CLOSED"],
    ["a token that expires between commands", { name: "token-expiry", params: { at: "between", verb: "FETCH" } }, "SESSION_EXPIRED"],
    ["a session that is stale from its login on", { name: "stale-session" }, "SESSION_EXPIRED"],
    // What may be a stale token is tried once more with a fresh one.
    ["a session that is invalidated, twice", { name: "session-invalidated", times: 2 }, "TOKEN_REJECTED"],
    ["a back end that is away", { name: "server-unavailable", params: fetching }, "SERVER_UNAVAILABLE"],
    ["a bare line in place of an answer", { name: "server-unavailable", params: { ...fetching, form: "untagged" } }, "SERVER_UNAVAILABLE"],
    ["a failover", { name: "server-unavailable", params: { ...fetching, form: "bye" } }, "SERVER_UNAVAILABLE"],
    ["a STATUS without data", { name: "status-empty" }, "PROTOCOL_VIOLATION"],
    ["throttling with BAD and BYE", { name: "throttle", params: { answer: "BAD", bye: true, at: "command" } }, "SERVER_THROTTLED"],
    ["a login that is challenged, twice", { name: "auth-challenge", times: 2 }, "TOKEN_REJECTED"],
    ["a mailbox that is not connected", { name: "auth-not-connected" }, "MAILBOX_ACCESS_DENIED"],
    ["a command that Exchange cannot read", { name: "command-refused", params: { verb: "UID SEARCH" } }, "COMMAND_REFUSED"],
    ["an INBOX that is not found", { name: "select-missing" }, "FOLDER_UNSELECTABLE"],
    ["a reset after so many bytes", { name: "reset", params: { where: "session", bytes: 20_000, reset: true } }, "SESSION_CLOSED"],
    [
      "a STATUS that Exchange cannot read",
      { name: "command-refused", params: { verb: "STATUS", text: "Command Argument Error. 11" } },
      "COMMAND_REFUSED",
    ],
  ];

  test.each(rows)("%s", async (_, fault, ending) => {
    order({ times: 1, ...fault, ...("folder" in fault && { uid: middle() }) });
    const outcome = await sync("backfill");
    expect(outcome.kind === "failed" ? outcome.failure.code : outcome.kind).toBe(ending);
    expect(sandbox.faults.list()).toEqual([]);
    expect(await syncToTheEnd()).toMatchObject({ kind: "done" });
    await expectAll();
  });
});

describe("a server that answers wrongly with OK", () => {
  test.each([
    ["no data for a message", { name: "no-data", folder: "INBOX", times: 1 }],
    ["a message that is left out with NO", { name: "partial-no", folder: "INBOX", times: 1 }],
    ["a LIST line that cannot be read", { name: "list-broken" }],
    ["flags that nobody asked for", { name: "flags-inside" }],
    ["attributes in any order", { name: "attributes-shuffled" }],
    ["sizes three times too big", { name: "size-factor", params: { factor: 3 } }],
    ["sizes of 0", { name: "size-factor", params: { factor: 0 } }],
    ["bytes that drip", { name: "drip", params: { bytes: 4_000, everyMs: 2 } }],
    ["codes without OK", { name: "bare-codes", times: 1 }],
    ["names without quotes", { name: "unquoted-names" }],
    ["no special use", { name: "no-special-use" }],
    ["the front end of 2026", { name: "front-end" }],
    ["capabilities that are missing", { name: "capabilities", params: { without: "NAMESPACE UIDPLUS IDLE ID" } }],
    ["a SEARCH that finds nothing, once", { name: "search-wrong", params: { form: "empty" }, times: 1 }],
    ["a SEARCH whose index lags", { name: "search-wrong", params: { form: "lagging" }, times: 2 }],
    ["a SEARCH that finds too much", { name: "search-wrong", params: { form: "over-match" } }],
  ] as readonly (readonly [string, Order])[])("%s: nothing is lost, nothing comes twice", async (_, fault) => {
    order(fault.times !== undefined && fault.folder !== undefined ? { ...fault, uid: middle() } : fault);
    expect(await syncToTheEnd()).toMatchObject({ kind: "done" });
    await expectAll();
  });

  test("bytes that differ in each connection come once, whatever session brings them", async () => {
    order({ name: "rerendered" });
    for (let n = 0; n < 3; n++) order({ name: "reset", folder: "INBOX", times: 1, chance: 0.1, params: { where: "literal", bytes: 30 } });
    expect(await syncToTheEnd()).toMatchObject({ kind: "done" });
    const handed = (await events()).filter((event) => event.type === "message.added");
    expect(handed.map(keyOf).sort()).toEqual(
      truth()
        .map((one) => `${one.folder} ${one.uid}`)
        .sort(),
    );
  });

  test("messages that got new UIDs and other bytes at once are known again, and not handed off twice", async () => {
    order({ name: "rerendered" });
    await syncToTheEnd();
    await queue.obliterate({ force: true });
    order({ name: "uidvalidity-bump", folder: "INBOX" });
    await syncToTheEnd();
    await sync("fresh");
    expect(await typesOf()).toEqual({ "folder.reset": 1, "message.rekeyed": truth("INBOX").length });
  });

  test("folders that are called otherwise from one day to the next bring no message again", async () => {
    await syncToTheEnd();
    await queue.obliterate({ force: true });
    order({ name: "localised", params: { language: "de" } });
    for (let n = 0; n < 3; n++) {
      await sync("fresh");
      await sync("backfill");
      world.clockOffset += 86_400_000;
    }
    expect(await typesOf()).not.toHaveProperty("message.added");
    expect((await record())?.ledger).toMatchObject({ handedOff: truth().length, toDo: 0 });
  });
});

async function typesOf(): Promise<Record<string, number>> {
  const types: Record<string, number> = {};
  for (const { type } of await events()) types[type] = (types[type] ?? 0) + 1;
  return types;
}
