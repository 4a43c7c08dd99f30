import { expect, test } from "vitest";
import { mailboxId } from "@mailfleet/core";
import { cli, cliJson } from "./cli-bench.ts";
import { address, events, keys, mailbox, record, redis, sandbox, setUpSyncBench, sync, truth } from "./sync-bench.ts";

setUpSyncBench({ messages: 60 });

interface PlanDoc {
  readonly fresh: number;
  readonly history: number;
  readonly folders: readonly { readonly path: string; readonly work: string; readonly fresh: number; readonly history: number }[];
  readonly notMail: readonly string[];
}

const plan = async (...args: string[]): Promise<PlanDoc> => {
  const { code, doc, err } = await cliJson("plan", address, ...args);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return doc as PlanDoc;
};

test("a mailbox that was never read is all history, INBOX first, and the plan comes true", async () => {
  const all = truth().length;
  const stored = () => redis.hgetall(keys.mailbox(mailboxId(mailbox)));
  const before = await stored();
  const { fresh, history, folders, notMail } = await plan();
  expect({ fresh, history, first: folders[0]?.path }).toEqual({ fresh: 0, history: all, first: "INBOX" });
  expect(folders.every(({ work }) => work === "first sight")).toBe(true);
  expect(notMail).toContain("Calendar");
  // Nothing is written, and nobody is kept from the mailbox.
  expect(await stored()).toEqual(before);
  expect(await redis.exists(keys.checkpoints(mailboxId(mailbox)))).toBe(0);
  await sync("backfill");
  expect((await events()).filter(({ type }) => type === "message.added")).toHaveLength(history);
  expect(await plan()).toMatchObject({ fresh: 0, history: 0 });
});

test("a history that is known is planned as a whole, and new mail goes first", async () => {
  await sync("fresh");
  const left = (await record())?.ledger.toDo ?? 0;
  expect(left).toBeGreaterThan(0);
  sandbox.deliver(address, "INBOX", Buffer.from("Subject: new\r\n\r\nnew\r\n"));
  const { fresh, history, folders } = await plan();
  expect({ fresh, history }).toEqual({ fresh: 1, history: left });
  expect(folders[0]).toMatchObject({ path: "INBOX", work: "fresh", fresh: 1 });
  const { out } = await cli(["plan", address], { isTerminal: true });
  expect(out).toMatch(/^support@contoso\.example \(contoso\), over IMAP: what the next session would do\. Nothing is written\.$/m);
  expect(out).toMatch(
    /New mail first: 1 message at most, in the order of their UIDs\. Then history, newest first: [\d,]+ messages in 1 turn,/,
  );
  // In a pipe the table alone, for programs; what a terminal says besides is not lost with it.
  const piped = await cli(["plan", address]);
  const table = piped.out.trimEnd().split("\n");
  expect(table[0]).toBe("Order\tFolder\tWhat\tNew\tHistory\tOn the server");
  expect(table.map((row) => row.split("\t").length)).toEqual(Array(folders.length + 1).fill(6));
  const sentences = out.split("\n").filter((text) => /Nothing is written|^Not mail|^New mail first/.test(text));
  expect(sentences).toHaveLength(3);
  for (const text of sentences) expect(piped.err).toContain(text);
  expect(piped.err).toMatch(/Next look|due now/);
});

test("a server that asked to be left alone is not asked", async () => {
  await sync("backfill");
  const logins = sandbox.counters.commands.get("authenticate");
  const nextAt = Date.now() + 600_000;
  const cause = { code: "SERVER_THROTTLED", scope: "mailbox", text: "", since: Date.now(), tries: 1, nextAt, state: "waiting" };
  await redis.hset(keys.mailbox(mailboxId(mailbox)), "cause", JSON.stringify(cause));
  const { code, doc } = await cliJson("plan", address);
  expect({ code, doc }).toMatchObject({ code: 1, doc: { ok: false, error: { code: "SERVER_THROTTLED" } } });
  expect(sandbox.counters.commands.get("authenticate")).toBe(logins);
});

test("a mailbox that is refused is told with the way to find out why", async () => {
  sandbox.faults.add({ name: "auth-not-connected", mailbox: address });
  const { code, err } = await cli(["plan", address]);
  expect(code).toBe(1);
  expect(err).toMatch(
    /refused the mailbox[^]*Nothing was changed[^]*npx mailfleet doctor --tenant contoso --mailbox support@contoso\.example --config /,
  );
});

test("a mailbox that is not there is named with the nearest that is", async () => {
  const { code, err } = await cli(["plan", "suport@contoso.example"]);
  expect(code).toBe(2);
  expect(err).toContain(address);
});
