import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { askDoctor } from "./doctor-bench.ts";
import { doctorRows } from "./doctor-rows.ts";
import { contosoMailbox } from "./pop3-doctor-rows.ts";

let dir: string;
let sandbox: Sandbox;

interface DoctorDoc {
  readonly ok: boolean;
  readonly wrong: { readonly step: string; readonly code: string; readonly certainty: string } | null;
  readonly checks: readonly {
    readonly steps: readonly { readonly name: string; readonly state: string }[];
    readonly diagnosis?: { readonly commands: readonly string[] };
  }[];
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-doctor-"));
  sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [
      { alias: "contoso", mailboxes: 4, messages: 60 },
      { alias: "fabrikam", mailboxes: 2, messages: 20 },
      { alias: "northwind", mailboxes: 2, messages: 20 },
    ],
    faults: false,
  });
});
afterEach(() => sandbox.faults.clear());
afterAll(async () => {
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

const seenFlags = (): string[] =>
  [...sandbox.truth()].filter(({ address }) => address === contosoMailbox).map(({ uid, flags }) => `${uid} ${flags().join(" ")}`);

describe("mailfleet doctor", () => {
  test.each(doctorRows)("names the wrong step of: $name", async ({ orders = [], config, args, step, code, certainty, says }) => {
    for (const order of orders) sandbox.faults.add(order);
    const row = { ...(config && { config }), ...(args && { args }) };
    const { code: exitCode, out } = await askDoctor(sandbox, dir, row, true);
    const doc = JSON.parse(out) as DoctorDoc;
    expect(doc).toMatchObject({ schema: "mailfleet.doctor/1", ok: false, wrong: { step, code, certainty } });
    expect(exitCode).toBe(1);
    const states = doc.checks[0]?.steps.map(({ state }) => state) ?? [];
    expect(states.slice(states.indexOf("failed") + 1).filter((state) => state !== "not reached")).toEqual([]);
    if (!says) return;
    const people = await askDoctor(sandbox, dir, row, false);
    // Sentences break where the terminal ends.
    expect(people.out.replace(/\s+/g, " ")).toMatch(says);
    expect(people.out).toMatch(/^1 of 9 checks failed: .+\. No mail is lost/m);
  });

  test("says of a healthy mailbox what it found at each of nine steps, changes nothing, and exits 0", async () => {
    const before = seenFlags();
    const { code: exitCode, out } = await askDoctor(sandbox, dir, {}, false);
    expect(out.split("\n")).toEqual([
      `contoso, ${contosoMailbox}, over IMAP`,
      "  ✓ configuration   3 tenants, 8 mailboxes, no unknown keys",
      expect.stringMatching(/^ {2}✓ this machine {4}Node [\d.]+, clock \d.\d s off, .* free$/),
      "  - Redis           not running; none is configured, mailfleet starts its own",
      expect.stringMatching(/^ {2}✓ network {9}localhost:\d+ and localhost:\d+, TLS 1\.3$/),
      expect.stringMatching(/^ {2}✓ token {11}issued in .*ms, for Exchange Online, valid 59 min$/),
      "  ✓ permission      IMAP.AccessAsApp granted",
      expect.stringMatching(/^ {2}✓ Exchange {8}knows the app as [0-9a-f]{4}…[0-9a-f]{4}$/),
      expect.stringMatching(/^ {2}✓ mailbox {9}opened, \d+ folders, \d+ messages$/),
      expect.stringMatching(/^ {2}✓ scope {11}a mailbox that must be refused is refused/),
      expect.stringMatching(/^8 of 9 checks passed in .*, the others had nothing to check\. Nothing to do\.$/),
      "",
    ]);
    expect(exitCode).toBe(0);
    expect(seenFlags()).toEqual(before);
  });

  test("tells programs what the other protocol answered", async () => {
    sandbox.faults.add({ name: "protocol-disabled", mailbox: contosoMailbox, protocol: "pop3" });
    const one = JSON.parse((await askDoctor(sandbox, dir, { config: { protocol: "pop3" } }, true)).out) as DoctorDoc;
    expect(one.checks).toMatchObject([{ protocol: "pop3", compared: { protocol: "imap", ok: true } }]);
    sandbox.faults.add({ name: "auth-not-connected", mailbox: contosoMailbox, protocol: "imap" });
    const both = JSON.parse((await askDoctor(sandbox, dir, { config: { protocol: "pop3" } }, true)).out) as DoctorDoc;
    expect(both.checks).toMatchObject([{ compared: { protocol: "imap", ok: false, code: "MAILBOX_ACCESS_DENIED" } }]);
  });

  test("looks at a healthy mailbox of POP3 through its own endpoint, reads no message, and is told what POP3 shows", async () => {
    const before = new Map(sandbox.counters.pop3Commands);
    const logins = sandbox.counters.commands.get("login");
    const { code: exitCode, out } = await askDoctor(sandbox, dir, { config: { protocol: "pop3" } }, false);
    const lines = out.split("\n");
    expect(lines[0]).toBe(`contoso, ${contosoMailbox}, over POP3`);
    expect(lines[4]).toContain(`localhost:${sandbox.pop3.port}, TLS 1.3`);
    expect(lines[6]).toBe("  ✓ permission      POP.AccessAsApp granted");
    expect(lines[8]).toMatch(/^ {2}✓ mailbox {9}opened, \d+ messages in its INBOX, all that POP3 shows$/);
    expect(lines[9]).toMatch(/^ {2}✓ scope {11}a mailbox that must be refused is refused/);
    expect(exitCode).toBe(0);
    const sent = [...sandbox.counters.pop3Commands].filter(([verb, count]) => count !== before.get(verb)).map(([verb]) => verb);
    expect(sent.sort()).toEqual(["AUTH", "CAPA", "QUIT", "STAT", "TOP", "UIDL", "login"]);
    // One that is well is compared with nothing.
    expect(sandbox.counters.commands.get("login")).toBe(logins);
  });

  test("names the mailbox that must be refused where it is, and does not take it for a patient", async () => {
    const gone = "nobody@contoso.example";
    const config = { mailboxes: [gone, contosoMailbox], others: [] };
    const args = ["--must-refuse", gone];
    const { code: exitCode, out } = await askDoctor(sandbox, dir, { config, args }, false);
    expect(out).toContain(`  ✓ scope           ${gone} is refused, as it must be\n`);
    expect(out).toMatch(/^contoso, support@contoso\.example,/);
    expect(exitCode).toBe(0);
    // Among tenants, each of which has but one line.
    const many = await askDoctor(sandbox, dir, { config: { mailboxes: [gone, contosoMailbox] }, args }, false);
    expect(many.out).toContain(`  ✓ scope           ${gone} is refused, as it must be\n`);
    expect(many.code).toBe(0);
  });

  test("tests the next credential as well, and goes on with it where the current one is refused", async () => {
    const good = sandbox.secretOf("contoso");
    const ask = async (secret: string, nextSecret: string) => {
      const { code: exitCode, out } = await askDoctor(sandbox, dir, { config: { secret, nextSecret } }, false);
      return { exitCode, text: out.replace(/\s+/g, " ") };
    };
    const sound = await ask(good, good);
    expect(sound).toMatchObject({ exitCode: 0, text: expect.stringContaining("; the next one tested, works ✓ permission") });
    const replaced = await ask("wrong-and-never-shown", good);
    expect(replaced).toMatchObject({ exitCode: 0, text: expect.stringContaining("! token issued in") });
    expect(replaced.text).toContain("The current secret is refused (ENTRA_CREDENTIAL_INVALID); the next one is used in its place.");
    const spoilt = await ask(good, "wrong-and-never-shown");
    expect(spoilt.text).toContain("The next secret is refused (ENTRA_CREDENTIAL_INVALID); mend it before the current one ends.");
  });

  test("without arguments looks at each tenant through one mailbox, and tells of the one that is wrong only", async () => {
    sandbox.faults.add({ name: "token-error", tenant: "fabrikam", params: { code: 7000222 } });
    const { code: exitCode, out } = await askDoctor(sandbox, dir, { args: [] }, false);
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^contoso, .*\n {2}✓ 8 checks passed; mailbox opened/m);
    expect(out).toMatch(/✗ token {11}not issued \(AADSTS7000222\)/);
    expect(out).toMatch(
      /^1 of 3 mailboxes looked at is not well, checked in .*\. fabrikam: the credential has expired\. No mail is lost\.$/m,
    );
  });

  test("neither a secret nor a token comes out, whatever a peer repeats", async () => {
    for (const as of ["json", "html"]) {
      sandbox.faults.clear();
      sandbox.faults.add({ name: "token-echo", tenant: "contoso", params: { as } });
      for (const isJson of [true, false]) {
        const { out, err } = await askDoctor(sandbox, dir, {}, isJson);
        const secret = sandbox.secretOf("contoso");
        for (const form of [
          secret,
          encodeURIComponent(secret),
          Buffer.from(secret).toString("base64").slice(0, -4),
          Buffer.from(secret).toString("hex"),
        ])
          expect(out + err).not.toContain(form);
      }
    }
  });

  test("explains any code and AADSTS number, and names the nearest one of a wrong spelling", async () => {
    const known = await askDoctor(sandbox, dir, { args: ["--explain", "aadsts7000222"] }, false);
    expect(known).toMatchObject({ code: 0, err: "" });
    expect(known.out).toMatch(/^AADSTS7000222, which mailfleet calls ENTRA_CREDENTIAL_EXPIRED\n {2}Means +The client secret has expired\./);
    const wrong = await askDoctor(sandbox, dir, { args: ["--explain", "SERVER_THROTLED"] }, false);
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain("did you mean SERVER_THROTTLED?");
  });
});
