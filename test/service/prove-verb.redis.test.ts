import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { until } from "../e2e/fleet.ts";
import { cli, cliJson, dataDir } from "./cli-bench.ts";
import { mailboxId } from "@mailfleet/core";
import { createFleetReader, createMailboxRegistry } from "@mailfleet/store";
import { address, keys, mailbox, record, redis, sandbox, setUpSyncBench, sync, truth } from "./sync-bench.ts";

setUpSyncBench();

interface ProveDoc {
  readonly ok: boolean;
  readonly sums: { readonly listed: number; readonly handedOff: number };
  readonly mailboxes: readonly {
    readonly verdict: string;
    readonly file: string;
    readonly unchanged: number;
    readonly folders: readonly { path: string; gapUids?: string }[];
  }[];
}

function plant(): number {
  const uids = new Set(truth("INBOX").map(({ uid }) => uid));
  let uid = Math.max(...uids) - 1;
  while (uids.has(uid)) uid--;
  sandbox.plant(address, "INBOX", uid, Buffer.from("Subject: planted\r\n\r\nplanted\r\n"));
  return uid;
}

describe("mailfleet prove", () => {
  test("says for people that nothing is missing, with the sum, and exits 0", async () => {
    await sync("backfill");
    const terminal = await cli(["prove", address], { isTerminal: true });
    const { code, out } = terminal;
    expect(code).toBe(0);
    // Also where the table goes to a program.
    for (const { err } of [terminal, await cli(["prove", address])])
      expect(err).toMatch(/^Proof: data-\S+\/proofs\/\S+\.json\nAnyone checks it with: npx mailfleet prove --verify data-\S+\.json$/m);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^support@contoso\.example \(contoso\), \d+ folders as the server listed them at \d\d:\d\d:\d\d$/);
    expect(lines[1]).toMatch(/^ {2}Folder +Listed = Handed off \+ Excluded \+ Quarantined \+ To do +Unaccounted$/);
    const all = String(truth().length);
    expect(lines.at(-2)).toMatch(new RegExp(`^ {2}Total +${all} +${all} +0 +0 +0 +0$`));
    expect(lines.at(-1)).toMatch(
      new RegExp(`^✓ Nothing is missing: all ${all} messages on the server are accounted for\\. 0 gaps, 0 extras, \\d+ commands, .*s\\.$`),
    );
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(120);
  });

  test("writes a proof that is checked offline, and that no longer checks once it was edited", async () => {
    await sync("backfill");
    const doc = (await cliJson("prove")).doc as ProveDoc;
    const file = doc.mailboxes[0]?.file ?? "";
    expect(doc).toMatchObject({ ok: true, sums: { listed: truth().length, handedOff: truth().length } });
    expect(await readdir(join(dataDir(), "proofs"))).toHaveLength(2);
    expect(await cliJson("prove", "--verify", file)).toMatchObject({ code: 0, doc: { ok: true, verdict: "whole", mailbox } });

    // As anybody checks it.
    const text = await readFile(file, "utf8");
    const digest = execFileSync("sh", ["-c", `jq -cjS 'del(.digest)' "$1" | sha256sum`, "sh", file]).toString().slice(0, 64);
    expect((JSON.parse(text) as { digest: string }).digest).toBe(`sha256:${digest}`);

    await writeFile(file, text.replace('"gaps":0', '"gaps":1'));
    const { code, out, err } = await cli(["prove", "--verify", file]);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("Its digest is not that of its content: it was changed since it was written.");
    expect((await cli(["prove", "--verify", join(dataDir(), "none.json")])).code).toBe(2);
  });

  test("names folder and UID of a planted gap, exits 1, and repairs it while a worker runs", async () => {
    await sync("backfill");
    await cli(["prove"]);
    const uid = plant();
    const { code, out } = await cli(["prove", address], { isTerminal: true });
    expect(code).toBe(1);
    expect(out).toMatch(
      new RegExp(
        `^✗ 1 message is missing: INBOX ${uid.toLocaleString("en")}, listed since .*, never handed off\\. Put back: npx mailfleet prove ${address} --repair --config \\S+$`,
        "m",
      ),
    );

    const first = await cliJson("prove", "--repair");
    expect(first).toMatchObject({ code: 1, doc: { mailboxes: [{ verdict: "whole", repair: { ending: "nobody-works", putBack: 1 } }] } });
    await sync("fresh");
    expect(await cliJson("prove", "--repair")).toMatchObject({ code: 0, doc: { ok: true } });

    plant();
    await createFleetReader(redis, keys).heartbeat({ id: "w", role: "worker", concurrency: 1 });
    const repairing = cliJson("prove", "--repair");
    // The worker's part, once the message is owed: before that it would find it by itself, by the server's count.
    await until(record, (found) => (found?.ledger.toDo ?? 0) > 0, 20_000);
    await until(
      () => sync("fresh"),
      ({ kind }) => kind === "done",
      20_000,
    );
    expect(await repairing).toMatchObject({ code: 0, doc: { ok: true, mailboxes: [{ repair: { ending: "done", putBack: 1 } }] } });
  });

  test("a mailbox that cannot be read is never a ✓", async () => {
    await sync("backfill");
    sandbox.setRefused(address, true);
    try {
      const { code, out } = await cli(["prove"], { isTerminal: true });
      expect(code).toBe(1);
      expect(out).not.toContain("✓");
      expect(out).toContain(`${address} could not be read, so nothing is proven of it`);
      expect(out).toContain(`npx mailfleet doctor --tenant contoso --mailbox ${address}`);
      expect(out.match(/authenticated but not connected/g)).toHaveLength(1);
      expect(await cliJson("prove", address)).toMatchObject({ code: 1, doc: { ok: false, mailboxes: [{ verdict: "unread" }] } });
    } finally {
      sandbox.setRefused(address, false);
    }
  });

  test("a mailbox whose tenant left the configuration, and one of a newer version, are said to be unread", async () => {
    await sync("backfill");
    await createMailboxRegistry(redis, keys).register([{ tenant: "gone", address: "a@gone.example", protocol: "imap" }], 0);
    const key = keys.checkpoints(mailboxId(mailbox));
    const stored = (await redis.hget(key, "INBOX")) ?? "";
    await redis.hset(key, "INBOX", stored.replace("\n{", '\n{"f":99,'));
    expect(await cliJson("prove")).toMatchObject({
      code: 1,
      doc: {
        ok: false,
        mailboxes: [
          { verdict: "unread", error: { code: "CHECKPOINT_NEWER" } },
          { address: "a@gone.example", verdict: "unread" },
        ],
      },
    });
    const wrong = await cli(["prove", "a@gone.example", "--tenant", "contoso"]);
    expect({ code: wrong.code, out: wrong.out }).toEqual({ code: 2, out: "" });
    expect(wrong.err).toContain("a@gone.example is a mailbox of gone, not of contoso.");
  });

  test("a folder with a hostile name steers no terminal and forges no column", async () => {
    const name = "Evil\u001b]52;c;aGk=\u0007\u009b2J\u202etxt";
    sandbox.createFolder(address, name);
    sandbox.deliver(address, name, Buffer.from("Subject: x\r\n\r\nx\r\n"));
    await sync("backfill");
    for (const run of [
      await cli(["prove", address], { isTerminal: true }),
      await cli(["prove", address]),
      await cli(["prove", "--json"]),
    ]) {
      // oxlint-disable-next-line no-control-regex -- controls are the point
      expect(run.out + run.err).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });

  test.each([
    [["prove", "nobody@contoso.example"], "is not in the configuration"],
    [["prove", "--tenant", "contosso"], "did you mean contoso?"],
  ])("%j is exit 2", async (args, what) => {
    const { code, out, err } = await cli(args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(what);
  });
});
