import { describe, expect, test } from "vitest";
import { type FailureCode, type Lane, limits, type MailboxRef, type MailSource, pollBounds, syncError } from "@mailfleet/core";
import { createMemoryFleet, createMemoryMailServer, fakeClock, seededChance } from "@mailfleet/testkit";
import { memoryPorts } from "./memory-ports.fixture.ts";
import type { SyncSettings } from "./ports.ts";
import { syncMailbox, type SyncOutcome } from "./sync-mailbox.ts";

const minute = 60_000;
const settings: SyncSettings = {
  pollMs: 5 * minute,
  freshWithinMs: 10 * minute,
  backfill: true,
  folders: { include: ["*"], exclude: ["Junk*"] },
  slice: { messages: 1_000, bytes: 64e6, seconds: 20 },
  smallHistory: { messages: 0, bytes: 0 },
  listMs: 30 * minute,
  compare: { recentMs: 24 * 60 * minute, wholeMs: 48 * 60 * minute, recentUids: 500 },
};
const raw = (name: string): Buffer => Buffer.from(`Subject: ${name}\r\nMessage-ID: <${name}@x>\r\n\r\n${name}\r\n`);

/** A synced mailbox with an INBOX and an Archive, and what each poll asked of its server. */
async function quietMailbox(options: { readonly protocol?: "imap" | "pop3"; readonly hasCondStore?: boolean } = {}) {
  const mailbox: MailboxRef = { tenant: "contoso", address: "support@contoso.example", protocol: options.protocol ?? "imap" };
  const clock = fakeClock();
  const server = createMemoryMailServer({ clock, features: { hasCondStore: options.hasCondStore ?? false } });
  const mail = server.addMailbox(mailbox.address);
  for (const folder of ["Archive", "Junk", "Calendar"]) mail.createFolder(folder);
  mail.deliver("INBOX", raw("a1"));
  mail.deliver("Archive", raw("b1"));
  let asked: string[] = [];
  let refusals: FailureCode[] = [];
  const source: MailSource = {
    async open(...args) {
      asked.push("session");
      return await server.source.open(...args);
    },
    async look(ref, token, signal, request) {
      asked.push(`look ${request.folders.map(({ path }) => path).join(" ")}${request.hasModSeq ? " with mod-sequences" : ""}`);
      const code = refusals.shift();
      if (code) throw syncError(code, "refused", { layer: "imap", ...(code === "SERVER_THROTTLED" && { hintMs: 600_000 }) });
      return await server.source.look?.(ref, token, signal, request);
    },
  };
  const fleet = createMemoryFleet({ clock, chance: seededChance(1) });
  fleet.register(mailbox);
  const ports = memoryPorts(clock, fleet.process(), source);
  const sync = async (lane: Lane, own = settings): Promise<{ asked: string[]; outcome: SyncOutcome }> => {
    asked = [];
    const outcome = await syncMailbox(ports, own, mailbox, lane, new AbortController().signal);
    return { asked, outcome };
  };
  /** The next poll, when it is due. */
  const poll = async (own = settings): Promise<{ asked: string[]; outcome: SyncOutcome }> => {
    await clock.advance(Math.max(0, (fleet.facts(mailbox).freshDueAt ?? 0) - clock.now()));
    return sync("fresh", own);
  };
  const refuse = (...codes: FailureCode[]): void => void (refusals = codes);
  await poll();
  await sync("backfill");
  return { mail, fleet, clock, mailbox, poll, sync, refuse };
}

const look = "look INBOX Archive";

/** The same after a session that found nothing new: the next poll looks. */
async function idleMailbox(options: Parameters<typeof quietMailbox>[0] = {}) {
  const box = await quietMailbox(options);
  expect((await box.poll()).asked).toEqual(["session"]);
  return box;
}

describe("a mailbox in which nothing happened", () => {
  test("is asked for the numbers of its folders alone, until they are to be listed again", async () => {
    const { poll, fleet, mailbox, clock } = await idleMailbox();
    const polls: string[][] = [];
    for (let at = 0; at < 14; at++) {
      const { asked, outcome } = await poll();
      expect(outcome).toMatchObject({ kind: "done", hasHistory: false, counts: { commits: 0 } });
      polls.push(asked);
    }
    // Of seven polls of about five minutes one is a session.
    expect(polls.filter(([one]) => one === look).length).toBeGreaterThanOrEqual(11);
    expect(polls.filter(([one]) => one === "session").length).toBeGreaterThanOrEqual(2);
    const facts = fleet.facts(mailbox);
    expect((facts.freshDueAt ?? 0) - clock.now()).toBeGreaterThan(4 * minute);
    expect(facts).toMatchObject({ opened: true, isPoked: false });
    expect(facts).not.toHaveProperty("leaseToken");
    expect(facts).not.toHaveProperty("backfillDueAt");
  });

  test("is asked for mod-sequences where they were compared", async () => {
    const { poll, mail } = await idleMailbox({ hasCondStore: true });
    expect((await poll()).asked).toEqual([`${look} with mod-sequences`]);
    mail.setFlags("Archive", 1, ["\\Flagged"]);
    expect(await poll()).toMatchObject({ asked: [`${look} with mod-sequences`, "session"], outcome: { counts: { changes: 1 } } });
  });

  test("keeps its history in the other lane", async () => {
    const { mail, poll, fleet, mailbox } = await idleMailbox();
    mail.resetUidValidity("Archive");
    await poll();
    await poll();
    const { asked, outcome } = await poll();
    expect(asked).toEqual([look]);
    expect(outcome).toMatchObject({ hasHistory: true });
    expect(fleet.facts(mailbox).backfillDueAt).toBeDefined();
  });
});

describe("news", () => {
  test.each([
    ["new mail in any folder", ({ mail }: Box) => mail.deliver("Archive", raw("b2")), { handedOff: 1 }],
    ["mail that was read", ({ mail }: Box) => mail.setFlags("INBOX", 1, ["\\Seen"]), { changes: 1 }],
    ["mail that is gone", ({ mail }: Box) => mail.expunge("INBOX", [1]), { changes: 1 }],
    ["a renamed folder", ({ mail }: Box) => mail.renameFolder("Archive", "Old"), {}],
    ["a deleted folder", ({ mail }: Box) => mail.deleteFolder("Archive"), {}],
    ["a new UIDVALIDITY", ({ mail }: Box) => mail.resetUidValidity("INBOX"), {}],
  ])("of %s lead to a session in the same poll", async (_, change, counts) => {
    const box = await idleMailbox();
    change(box);
    expect(await box.poll()).toMatchObject({ asked: [look, "session"], outcome: { kind: "done", counts } });
  });

  test("make the next poll a session: mail seldom comes alone", async () => {
    const { mail, poll } = await idleMailbox();
    mail.deliver("INBOX", raw("a2"));
    expect((await poll()).asked).toEqual([look, "session"]);
    mail.deliver("INBOX", raw("a3"));
    expect((await poll()).asked).toEqual(["session"]);
    expect((await poll()).asked).toEqual(["session"]);
    expect((await poll()).asked).toEqual([look]);
  });

  test("of a new folder come with the next list", async () => {
    const { mail, poll, clock } = await idleMailbox();
    const from = clock.now();
    mail.createFolder("Projects");
    mail.deliver("Projects", raw("p1"));
    let polls = 0;
    while ((await poll()).asked[0] === look) polls++;
    expect(polls).toBeGreaterThanOrEqual(5);
    expect(clock.now() - from).toBeLessThan(settings.listMs + 1.1 * pollBounds(settings).longest);
    expect((await poll()).asked).toEqual(["look INBOX Archive Projects"]);
  });
});

describe("a session is opened at once", () => {
  test("for a mailbox that somebody asked for before its time", async () => {
    const { sync } = await idleMailbox();
    expect((await sync("fresh")).asked).toEqual(["session"]);
  });

  test("for history", async () => {
    const { sync, clock } = await idleMailbox();
    await clock.advance(6 * minute);
    expect((await sync("backfill")).asked).toEqual(["session"]);
  });

  test("after the rules changed that choose the folders", async () => {
    const { poll } = await idleMailbox();
    const own = { ...settings, folders: { include: ["*"], exclude: ["Junk*", "Archive"] } };
    expect((await poll(own)).asked).toEqual(["session"]);
    expect((await poll(own)).asked).toEqual(["look INBOX"]);
    expect((await poll()).asked).toEqual(["session"]);
  });

  test("for a spool, and where looks are switched off", async () => {
    const { poll } = await idleMailbox({ protocol: "pop3" });
    for (let at = 0; at < 3; at++) expect((await poll()).asked).toEqual(["session"]);
    const other = await idleMailbox();
    expect((await other.poll({ ...settings, listMs: 0 })).asked).toEqual(["session"]);
  });

  test("for a mailbox that is in trouble, until it is well and was idle again", async () => {
    const { poll, refuse } = await idleMailbox();
    refuse("SERVER_UNAVAILABLE");
    expect(await poll()).toMatchObject({ asked: [look], outcome: { kind: "failed", failure: { code: "SERVER_UNAVAILABLE" } } });
    expect((await poll()).asked).toEqual(["session"]);
    expect((await poll()).asked).toEqual([look]);
  });

  test("while a folder is away", async () => {
    const { mail, poll } = await idleMailbox();
    mail.deleteFolder("Archive");
    expect((await poll()).asked).toEqual([look, "session"]);
    // After three lists without it and a quarter of an hour it is told as deleted, and asked for no more.
    const polls: string[] = [];
    for (let at = 0; at < 8; at++) polls.push((await poll()).asked.join());
    expect(polls.slice(0, 3)).toEqual(["session", "session", "session"]);
    expect(polls.at(-1)).toBe("look INBOX");
  });
});

describe("a look that is refused", () => {
  test("for its token is tried with another one", async () => {
    const { poll, refuse } = await idleMailbox();
    refuse("TOKEN_REJECTED");
    expect(await poll()).toMatchObject({ asked: [look, look], outcome: { kind: "done" } });
  });

  test("because the mailbox is throttled makes it wait as long as it was told to", async () => {
    const { poll, refuse, fleet, mailbox, clock } = await idleMailbox();
    refuse("SERVER_THROTTLED");
    expect((await poll()).outcome).toMatchObject({ kind: "failed", failure: { code: "SERVER_THROTTLED" } });
    expect((fleet.facts(mailbox).freshDueAt ?? 0) - clock.now()).toBeGreaterThanOrEqual(600_000);
  });

  test.each(["PROTOCOL_VIOLATION", "COMMAND_REFUSED"] as const)("with %s is left to sessions for a day", async (code) => {
    const { poll, refuse, clock } = await idleMailbox();
    refuse(code);
    expect(await poll()).toMatchObject({ asked: [look, "session"], outcome: { kind: "done" } });
    const from = clock.now();
    while ((await poll()).asked[0] === "session") if (clock.now() - from > 2 * limits.lookAgainMs) break;
    expect(clock.now() - from).toBeGreaterThanOrEqual(limits.lookAgainMs);
    expect(clock.now() - from).toBeLessThan(limits.lookAgainMs + 3 * settings.pollMs);
  });
});

type Box = Awaited<ReturnType<typeof quietMailbox>>;
