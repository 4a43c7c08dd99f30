import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type CapturedRun, runCaptured } from "../../apps/cli/src/captured-run.fixture.ts";
import { writeDoctorConfig } from "./doctor-bench.ts";
import type { ConfigChange } from "./doctor-rows.ts";
import { contosoMailbox } from "./pop3-doctor-rows.ts";

let dir: string;
let sandbox: Sandbox;

interface TryDoc {
  readonly ok: boolean;
  readonly protocol: string;
  readonly steps: readonly { readonly name: string; readonly ok: boolean }[];
  readonly folders?: number;
  readonly inbox: number;
  readonly messages: readonly { readonly uid?: number; readonly uidl?: string; readonly size: number; readonly subject: string }[];
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-try-"));
  sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [{ alias: "contoso", mailboxes: 2, messages: 60, inboxOnly: true }],
    faults: false,
  });
});
afterEach(() => sandbox.faults.clear());
afterAll(async () => {
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

async function tryMailbox(args: readonly string[], change: ConfigChange = {}): Promise<CapturedRun> {
  const config = await writeDoctorConfig(sandbox, dir, { others: [], ...change });
  return runCaptured({ args: ["try", contosoMailbox, ...args, "--config", config, "--progress", "none", "--color", "never"], cwd: dir });
}

const inbox = (): number[] =>
  [...sandbox.truth()].filter(({ address, folder }) => address === contosoMailbox && folder === "INBOX").map(({ uid }) => uid);
const flags = (): string[] =>
  [...sandbox.truth()].filter(({ address }) => address === contosoMailbox).map((one) => `${one.uid} ${one.flags().join(" ")}`);

describe("mailfleet try over POP3", () => {
  test.each<[string, readonly string[], ConfigChange]>([
    ["asked for", ["--protocol", "pop3"], {}],
    ["configured", [], { protocol: "pop3" }],
  ])("as %s lists the newest of the INBOX by UIDL, takes heads only, and marks nothing as read", async (_, args, change) => {
    const before = new Map(sandbox.counters.pop3Commands);
    const marked = flags();
    const { code, out } = await tryMailbox([...args, "--json"], change);
    const doc = JSON.parse(out) as TryDoc;
    expect(code).toBe(0);
    expect(doc).toMatchObject({ schema: "mailfleet.try/1", ok: true, protocol: "pop3", inbox: inbox().length });
    expect(doc.steps.map(({ name }) => name)).toEqual(["token", "login", "INBOX", "messages"]);
    expect(doc.folders).toBeUndefined();
    expect(doc.messages.map(({ uidl }) => uidl)).toEqual(
      inbox()
        .sort((a, b) => b - a)
        .slice(0, 10)
        .map(String),
    );
    for (const { size, subject, uid } of doc.messages) {
      expect(size).toBeGreaterThan(0);
      expect(subject).not.toMatch(/^\(/);
      expect(uid).toBeUndefined();
    }
    expect(flags()).toEqual(marked);
    const sent = (verb: string): number => (sandbox.counters.pop3Commands.get(verb) ?? 0) - (before.get(verb) ?? 0);
    expect([sent("TOP"), sent("RETR"), sent("DELE")]).toEqual([10, 0, 0]);
  });

  test("says for people what POP3 does not show, and how to see it", async () => {
    const { code, out } = await tryMailbox(["--protocol", "pop3"]);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^contoso, ${contosoMailbox}, over POP3\\n`));
    expect(out).toMatch(/✓ INBOX +listed, \d+ messages/);
    expect(out).toContain(
      "POP3 shows the INBOX alone: no other folder, no flags, no time of arrival, and no item that Exchange cannot convert.",
    );
    expect(out).toContain(`Over IMAP: npx mailfleet try ${contosoMailbox} --tenant contoso --protocol imap --config `);
    expect(out).toMatch(/^All 4 steps passed in .*\. Nothing was marked as read\.$/m);
  });

  test("a message that the server does not give is left out, the others are shown", async () => {
    const [newest = 0] = inbox().sort((a, b) => b - a);
    sandbox.faults.add({ name: "message-corrupted", mailbox: contosoMailbox, folder: "INBOX", uid: newest });
    const doc = JSON.parse((await tryMailbox(["--protocol", "pop3", "--json"])).out) as TryDoc;
    expect(doc.ok).toBe(true);
    expect(doc.messages).toHaveLength(9);
    expect(doc.messages.map(({ uidl }) => uidl)).not.toContain(String(newest));
  });

  test("names the step that failed and the doctor: the role of the other protocol is not enough, the login is refused", async () => {
    sandbox.faults.add({ name: "token-role", tenant: "contoso", params: { protocol: "imap" } });
    const role = await tryMailbox(["--protocol", "pop3"]);
    expect(role.code).toBe(1);
    expect(role.out).toMatch(/✗ token +The app of contoso may not read mail/);
    sandbox.faults.clear();
    sandbox.faults.add({ name: "protocol-disabled", mailbox: contosoMailbox, protocol: "pop3" });
    const refused = await tryMailbox(["--protocol", "pop3"]);
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(/✗ login +Exchange refuses the login/);
    expect(refused.err).toMatch(/npx mailfleet doctor --tenant contoso --mailbox \S+ --config \S+/);
    expect((await tryMailbox([])).code).toBe(0);
  });
});

test("over IMAP it lists folders and flags as before", async () => {
  const doc = JSON.parse((await tryMailbox(["--json"])).out) as TryDoc;
  expect(doc.steps.map(({ name }) => name)).toEqual(["token", "login", "folders", "INBOX", "messages"]);
  expect(doc.messages[0]).toMatchObject({ uid: Math.max(...inbox()), flags: expect.any(Array) });
  expect(doc.messages[0]).not.toHaveProperty("uidl");
});
