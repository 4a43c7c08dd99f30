import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { syncMailbox } from "@mailfleet/engine";
import { cli, cliJson } from "./cli-bench.ts";
import { address, calm, events, mailbox, never, ports, register, sandbox, setUpSyncBench, sync, truth } from "./sync-bench.ts";

setUpSyncBench({ protocol: "pop3" });

interface ProveDoc {
  readonly mailboxes: readonly { readonly file: string; readonly commands: number }[];
}

/** A message under a UIDL below the newest that nobody had: as an item that Exchange could not convert until now. */
function plant(): string {
  const uids = new Set(truth("INBOX").map(({ uid }) => uid));
  let uid = Math.max(...uids) - 1;
  while (uids.has(uid)) uid--;
  sandbox.plant(address, "INBOX", uid, Buffer.from("Subject: planted\r\n\r\nplanted\r\n"));
  return String(uid);
}

const uidlsOfEvents = async (): Promise<(string | undefined)[]> =>
  (await events()).map((event) => ("uidl" in event ? event.uidl : undefined));

describe("mailfleet prove of a mailbox that is read over POP3", () => {
  test("accounts for every message of its INBOX, by STAT and UIDL, without reading or deleting one", async () => {
    await sync("backfill");
    const before = new Map(sandbox.counters.pop3Commands);
    const { code, out } = await cli(["prove", address], { isTerminal: true });
    expect(code).toBe(0);
    const count = truth("INBOX").length;
    expect(out).toMatch(
      new RegExp(`^✓ Nothing is missing: all ${count} messages on the server are accounted for\\. 0 gaps, 0 extras, 2 commands, `, "m"),
    );
    const sent = (verb: string): number => (sandbox.counters.pop3Commands.get(verb) ?? 0) - (before.get(verb) ?? 0);
    expect(["STAT", "UIDL", "LIST", "TOP", "RETR", "DELE"].map(sent)).toEqual([1, 1, 0, 0, 0, 0]);
  });

  test("writes UIDLs into its proof, which checks offline, and no longer once it was edited", async () => {
    await sync("backfill");
    const { doc } = await cliJson("prove");
    const file = (doc as ProveDoc).mailboxes[0]?.file ?? "";
    const proof = JSON.parse(await readFile(file, "utf8")) as { mailbox: object; folders: { path: string; uidls?: unknown }[] };
    expect(proof.mailbox).toEqual(mailbox);
    expect(proof.folders).toMatchObject([{ path: "INBOX", uidls: "numbers" }]);
    expect(await cliJson("prove", "--verify", file)).toMatchObject({ code: 0, doc: { ok: true, verdict: "whole" } });
  });

  test("names the UIDL of what is missing, exits 1, and puts it back", async () => {
    await sync("backfill");
    const uidl = plant();
    const { code, out } = await cli(["prove", address], { isTerminal: true });
    expect(code).toBe(1);
    expect(out).toMatch(
      new RegExp(
        `^✗ 1 message is missing: INBOX UIDL ${uidl}, listed, never handed off\\. Put back: npx mailfleet prove ${address} --repair --config \\S+$`,
        "m",
      ),
    );
    expect(await cliJson("prove")).toMatchObject({ doc: { mailboxes: [{ folders: [{ gapUids: uidl, gapUidls: [uidl] }] }] } });
    expect(await cliJson("prove", "--repair")).toMatchObject({
      code: 1,
      doc: { mailboxes: [{ verdict: "whole", repair: { ending: "nobody-works", putBack: 1 } }] },
    });
    await sync("fresh");
    expect(await cliJson("prove", "--repair")).toMatchObject({ code: 0, doc: { ok: true } });
    expect((await uidlsOfEvents()).filter((one) => one === uidl)).toHaveLength(1);
  });

  test("a list that is short for one session is no proof that the rest is gone, and one that counts differently proves nothing", async () => {
    await sync("backfill");
    sandbox.faults.add({ name: "counts-differ", mailbox: address, params: { by: -2 } });
    try {
      const { code, out } = await cli(["prove", address], { isTerminal: true });
      expect(code).toBe(1);
      expect(out).not.toContain("✓");
      expect(out).toContain(`${address} could not be read, so nothing is proven of it`);
    } finally {
      sandbox.faults.clear();
    }
  });
});

describe("a mailbox that is read over POP3 by now, and was read over IMAP", () => {
  test("is proven by its INBOX; the folders that POP3 does not show are not called gone", async () => {
    const asBefore = { ...mailbox, protocol: "imap" } as const;
    await register(asBefore);
    await syncMailbox(ports, calm, asBefore, "backfill", never);
    expect(await events()).toHaveLength(truth().length);
    await register(mailbox);
    await sync("fresh");
    await sync("backfill");
    const { doc } = await cliJson("prove");
    const count = truth("INBOX").length;
    expect(doc).toMatchObject({
      ok: true,
      sums: { listed: count, handedOff: count, extras: 0 },
      mailboxes: [{ folders: [{ path: "INBOX" }] }],
    });
    expect((await events()).filter(({ type }) => type === "message.added")).toHaveLength(truth().length);
  });
});
