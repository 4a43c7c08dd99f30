import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sharedRedisUrl, uniqueName } from "@mailfleet/testkit";
import { type CapturedRun, runCaptured } from "./captured-run.fixture.ts";

const name = uniqueName("cli");
let cwd = "";

const yaml = `name: ${name}
tenants:
  contoso:
    tenantId: 11111111-1111-4111-8111-111111111111
    clientId: 22222222-2222-4222-8222-222222222222
    credential: { secretFile: ./secret }
    cloud: custom
    endpoints:
      authority: "https://localhost:1"
      scope: "https://outlook.office365.com/.default"
      imap: { host: localhost, port: 1, tls: true }
      pop3: { host: localhost, port: 2, tls: true }
    mailboxes: [support@contoso.example]
`;

beforeAll(() => {
  cwd = mkdtempSync(path.join(tmpdir(), "mailfleet-verbs-"));
  writeFileSync(path.join(cwd, "mailfleet.yaml"), yaml);
  writeFileSync(path.join(cwd, "secret"), "s3cret-value\n", { mode: 0o600 });
  writeFileSync(path.join(cwd, "boxes.csv"), "address,protocol\nap@contoso.example,\nar@contoso.example,pop3\nnot an address,\n");
});
afterAll(() => rmSync(cwd, { recursive: true }));

const run = (...args: string[]): Promise<CapturedRun> => runCaptured({ args, cwd, env: { REDIS_URL: sharedRedisUrl() } });

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await run(...args, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Record<string, unknown>;
}

describe("an empty fleet", () => {
  test("has a status that says so", async () => {
    expect(await json("status")).toMatchObject({ schema: "mailfleet.status/1", sentence: "No mailboxes yet.", causes: [], tenants: [] });
  });

  test("lists no mailboxes, as an empty list", async () => {
    expect(await json("mailboxes", "list")).toMatchObject({ schema: "mailfleet.mailboxes/1", mailboxes: [] });
    expect((await run("mailboxes", "list")).out).toBe(
      "No mailboxes yet. npx mailfleet mailboxes import boxes.csv --tenant TENANT --dry-run\n",
    );
  });
});

describe("mailboxes", () => {
  test("a dry run changes nothing: the second one says the same", async () => {
    const first = await run("mailboxes", "import", "boxes.csv", "--tenant", "contoso", "--dry-run");
    expect(first.out).toContain("  +     2 new          ap@contoso.example, ar@contoso.example\n");
    expect(first.out).toContain("Nothing was changed; without --dry-run it will be.");
    expect(await run("mailboxes", "import", "boxes.csv", "--tenant", "contoso", "--dry-run")).toEqual(first);
  });

  test("an import registers them with their protocol, and a second one finds them as they are", async () => {
    expect(await json("mailboxes", "import", "boxes.csv", "--tenant", "contoso")).toMatchObject({
      dryRun: false,
      good: 2,
      leftOut: 1,
      same: 0,
    });
    expect(await json("mailboxes", "import", "boxes.csv", "--tenant", "contoso")).toMatchObject({ new: [], change: [], same: 2 });
    const { mailboxes } = (await json("mailboxes", "list")) as { mailboxes: { address: string; protocol: string; state: string }[] };
    expect(mailboxes.map(({ address, protocol, state }) => [address, protocol, state])).toEqual([
      ["ap@contoso.example", "imap", "new"],
      ["ar@contoso.example", "pop3", "new"],
    ]);
  });

  test("a purge looks into the log of up, which lies in the folder around the sandbox's own", async () => {
    const around = path.join(cwd, "around");
    const world = path.join(around, "sandbox");
    mkdirSync(world, { recursive: true });
    const running = { pid: process.pid, config: path.join(cwd, "mailfleet.yaml"), env: { MAILFLEET_DATA_DIR: world } };
    writeFileSync(path.join(around, "running.json"), JSON.stringify(running));
    writeFileSync(path.join(around, "mailfleet.log"), '{"mailbox":"ap@contoso.example","msg":"synced"}\n{"msg":"stopped"}\n');
    const plan = ["mailboxes", "remove", "ap@contoso.example", "--purge", "--dry-run"];
    expect(await json(...plan, "--data", around)).toMatchObject({ total: { lines: 1 } });
    expect((await json(...plan))["total"]).not.toHaveProperty("lines");
  });

  test("an added mailbox is in the list, in the state filter and in the pipe's table", async () => {
    const add = () => run("mailboxes", "add", "Berlin@contoso.example", "--tenant", "contoso");
    expect(await add()).toEqual({ code: 0, out: "Added: berlin@contoso.example.\n", err: "" });
    expect((await add()).out).toBe("Already there: berlin@contoso.example.\n");
    const { out } = await run("mailboxes", "list", "--state", "new");
    expect(out.split("\n")).toContain("contoso\tberlin@contoso.example\timap\tnew\t\t0\t0\t0\t");
    expect((await run("mailboxes", "list", "--state", "parked")).out).toBe("No mailbox fits.\n");
  });

  test.each([
    [["mailboxes", "add", "no-address", "--tenant", "contoso"], "no @ in the address"],
    [["mailboxes", "add", "a@b.example", "--tenant", "contosso"], "did you mean contoso?"],
    [["mailboxes", "import", "none.csv", "--tenant", "contoso"], "there is no such file"],
  ])("%j is exit 2 and says what is wrong", async (args, what) => {
    const { code, err, out } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(what);
  });
});

describe("an import", () => {
  const write = (rows: readonly string[]): void => writeFileSync(path.join(cwd, "more.csv"), `address,protocol\n${rows.join("\n")}\n`);
  const have = async (): Promise<string[]> => {
    const { mailboxes } = (await json("mailboxes", "list")) as { mailboxes: { address: string }[] };
    return mailboxes.map(({ address }) => address);
  };

  test("that prunes asks when more than a tenth would go, does it with --yes, and leaves those of the configuration", async () => {
    const before = await have();
    write(["ap@contoso.example,", "new@contoso.example,pop3"]);
    const asked = await run("mailboxes", "import", "more.csv", "--tenant", "contoso", "--prune");
    expect(asked.code).toBe(2);
    expect(asked.err).toContain("are not in the file. They would be taken out: more than a tenth is not done unasked.");
    expect(await have()).toEqual(before);
    const dry = await run("mailboxes", "import", "more.csv", "--tenant", "contoso", "--prune", "--dry-run");
    expect(dry.out).toContain("Plan: 1 to add, 0 to change, 2 to remove.");
    expect(dry.out).toContain("Not in the file but in the configuration: 1. They stay.");
    expect((await run("mailboxes", "import", "more.csv", "--tenant", "contoso", "--prune", "--yes")).out).toContain(
      "Done: 1 added, 0 changed, 2 removed.",
    );
    expect(await have()).toEqual(["ap@contoso.example", "new@contoso.example"]);
    write(["ap@contoso.example,", "ar@contoso.example,pop3", "berlin@contoso.example,"]);
    await run("mailboxes", "import", "more.csv", "--tenant", "contoso", "--prune", "--yes");
    expect(await have()).toEqual(before);
  });

  test("tries as many of the new as it is told to, and says why they refuse", async () => {
    write(["x@contoso.example,", "y@contoso.example,", "z@contoso.example,"]);
    const { out } = await run("mailboxes", "import", "more.csv", "--tenant", "contoso", "--dry-run", "--try", "2");
    expect(out).toMatch(/^  Tried 2 of the new: 0 open, 2 refuse \(ENTRA_UNAVAILABLE\): x@contoso.example, y@contoso.example$/m);
  });

  test("with a misspelt column changes nothing, and says what it means", async () => {
    writeFileSync(path.join(cwd, "more.csv"), "address,protocl\nq@contoso.example,pop3\n");
    const { code, err } = await run("mailboxes", "import", "more.csv", "--tenant", "contoso");
    expect(code).toBe(2);
    expect(err).toContain("did you mean protocol?");
    expect(await have()).not.toContain("q@contoso.example");
  });

  test("that was cut short is finished by the next one", async () => {
    const rows = Array.from({ length: 2_500 }, (_, i) => `bulk${i}@contoso.example,`);
    write(rows.slice(0, 1_200));
    await run("mailboxes", "import", "more.csv", "--tenant", "contoso");
    write(rows);
    expect((await run("mailboxes", "import", "more.csv", "--tenant", "contoso")).out).toContain("Done: 1,300 added, 0 changed");
    // A row that cannot be read takes no mailbox out unasked: it may be the one that it names.
    write(rows.map((row) => (row.startsWith("bulk7@") ? "bulk7@contoso.example,imapp" : row)));
    const slip = await run("mailboxes", "import", "more.csv", "--tenant", "contoso", "--prune");
    expect(slip.code).toBe(2);
    expect(slip.err).toContain(
      "and 1 row of it was left out. They would be taken out: that is not done unasked while rows cannot be read.",
    );
    expect(await have()).toContain("bulk7@contoso.example");
    write(["ap@contoso.example,", "ar@contoso.example,pop3", "berlin@contoso.example,"]);
    expect((await run("mailboxes", "import", "more.csv", "--tenant", "contoso", "--prune", "--yes")).out).toContain("2,500 removed");
  });
});

describe("what an operator does to mailboxes", () => {
  test("park says who and why, shows so in the list, and is done once", async () => {
    expect(await json("mailboxes", "park", "AP@contoso.example", "--by", "anna", "--reason", "moves\naway")).toEqual({
      schema: "mailfleet.park/1",
      by: "anna",
      reason: "moves away",
      parked: ["ap@contoso.example"],
      already: [],
    });
    expect((await run("mailboxes", "park", "ap@contoso.example", "--by", "ben")).out).toContain(
      "Parked before, and left as it is: ap@contoso.example.",
    );
    const { mailboxes } = (await json("mailboxes", "list", "--state", "parked by operator")) as { mailboxes: object[] };
    expect(mailboxes).toMatchObject([{ address: "ap@contoso.example", parkedBy: { name: "anna", reason: "moves away" } }]);
    expect(await json("status")).toMatchObject({ states: { "parked by operator": 1 } });
  });

  test("resume goes on, by address, tenant or cause, and says when nothing fits", async () => {
    expect(await json("mailboxes", "resume", "--cause", "PARKED_BY_OPERATOR")).toMatchObject({ resumed: ["ap@contoso.example"] });
    expect((await run("mailboxes", "resume", "--tenant", "contoso")).out).toBe("Nothing fits: no mailbox is parked or waits for that.\n");
    expect(await json("mailboxes", "resume", "ap@contoso.example")).toMatchObject({ resumed: [], tried: ["ap@contoso.example"] });
  });

  test("remove takes a mailbox out, and a mailbox of the configuration comes back, which is exit 1", async () => {
    await run("mailboxes", "add", "left@contoso.example", "--tenant", "contoso");
    expect((await run("mailboxes", "remove", "left@contoso.example")).out).toContain("is remembered for 30 days");
    expect((await run("mailboxes", "list")).out).not.toContain("left@");
    await run("mailboxes", "park", "support@contoso.example");
    const { code, out } = await run("mailboxes", "remove", "support@contoso.example");
    expect(code).toBe(1);
    expect(out).toContain("Still in the configuration is support@contoso.example: at the next start of a producer it comes back.");
  });

  test("an address that two tenants have is not guessed at: it is named with its tenant", async () => {
    const before = yaml.replace(name, `${name}-two`);
    const tenant = (alias: string, box: string): string =>
      yaml.slice(yaml.indexOf("  contoso:")).replace("contoso:", `${alias}:`).replace("support@", `${box}@`);
    const write = (text: string): void => writeFileSync(path.join(cwd, "two.yaml"), text);
    write(before);
    await run("mailboxes", "park", "support@contoso.example", "--config", "two.yaml");
    await run("mailboxes", "resume", "support@contoso.example", "--config", "two.yaml");
    // The domain moved to another tenant, and the fleet still knows the old one.
    write(before.replace("support@", "first@") + tenant("moved", "support").replace("1111-4111", "1111-4112"));
    const two = (...args: string[]) => run("mailboxes", ...args, "--config", "two.yaml");
    for (const verb of ["park", "remove"]) {
      const { code, err } = await two(verb, "support@contoso.example");
      expect(code).toBe(2);
      expect(err).toContain("contoso/support@contoso.example or moved/support@contoso.example");
    }
    expect((await two("park", "moved/support@contoso.example")).code).toBe(0);
    const { out } = await two("list", "--state", "parked by operator", "--json");
    expect((JSON.parse(out) as { mailboxes: object[] }).mailboxes).toMatchObject([{ tenant: "moved" }]);
  });

  test.each([
    [
      ["park", "ap@contoso.example", "ag@contoso.example", "nobody@nowhere.example"],
      "ag@contoso.example (did you mean ap@contoso.example?), nobody@",
    ],
    [["resume"], "Name mailboxes, or --tenant, or --cause"],
    [["resume", "ap@contoso.example", "--tenant", "contoso"], "Name mailboxes, or --tenant, or --cause"],
    [["resume", "--cause", "MAILBOX_ACCESS_DENIE"], "did you mean MAILBOX_ACCESS_DENIED?"],
    [["resume", "--tenant", "contosso"], "did you mean contoso?"],
    [["remove", "ap@contoso.example", "--purge"], "--purge is not done unasked"],
    [["remove", "ap@contoso.example", "--dry-run"], "--dry-run goes with --purge"],
    [["remove", "never@contoso.example", "--purge", "--yes"], "There is no mailbox never@contoso.example"],
  ])("%j is exit 2 and changes nothing", async (args, what) => {
    const before = await json("mailboxes", "list");
    const { code, out, err } = await run("mailboxes", ...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(what);
    expect((await json("mailboxes", "list"))["mailboxes"]).toEqual(before["mailboxes"]);
  });
});

test("status counts what is registered, and says that nobody works on it", async () => {
  const status = await json("status");
  expect(status).toMatchObject({ mailboxes: 3, states: { new: 3 }, processes: [] });
  expect((await run("status")).out).toContain("! No producer and no worker reported within 30 s, so nothing moves.");
});

test("try names the nearest mailboxes, those that were added included", async () => {
  const { code, err } = await run("try", "berlim@contoso.example");
  expect(code).toBe(2);
  expect(err).toContain("did you mean berlin@contoso.example");
});

test("no advice names a mailbox that was removed", async () => {
  // It is in the configuration still, and not registered.
  for (const args of [
    ["mailboxes", "park", "suport@contoso.example"],
    ["replay", "suport@contoso.example"],
  ]) {
    const { code, err } = await run(...args);
    expect(code).toBe(2);
    expect(err).not.toContain("did you mean support@");
  }
});

test("try says which step failed, what happens next and what to do, and exits 1", async () => {
  const { code, out, err } = await run("try", "support@contoso.example", "--json");
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ ok: false, error: { code: "ENTRA_UNAVAILABLE" } });
  expect(err).toContain("Nothing is lost; mail waits on the server.");
  expect(out + err).not.toContain("s3cret-value");
});

test("a Redis that is not there is exit 1 with its address and without a password", async () => {
  const env = { REDIS_URL: "redis://:hunter2@127.0.0.1:1" };
  const { code, out, err } = await runCaptured({ args: ["status", "--json"], cwd, env });
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    ok: false,
    error: { code: "REDIS_UNAVAILABLE", what: expect.stringContaining("127.0.0.1:1") as string },
  });
  expect(out + err).not.toContain("hunter2");
});
