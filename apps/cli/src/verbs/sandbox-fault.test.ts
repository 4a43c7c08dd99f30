import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { faultCatalogue } from "@mailfleet/sandbox/faults";
import { checkFaultFlags } from "../fault-flags.ts";
import { type CapturedRun, runCaptured } from "../captured-run.fixture.ts";

let cwd: string;
let sandbox: Sandbox;

beforeAll(async () => {
  cwd = mkdtempSync(path.join(tmpdir(), "mailfleet-fault-"));
  sandbox = await startSandbox({
    dataDir: path.join(cwd, ".mailfleet/sandbox-alone"),
    tenants: [{ alias: "contoso", mailboxes: 2, messages: 4 }],
  });
});

afterEach(() => sandbox.faults.clear());

afterAll(async () => {
  await sandbox.close();
  rmSync(cwd, { recursive: true });
});

const fault = (args: readonly string[], options: { readonly columns?: number; readonly cwd?: string } = {}): Promise<CapturedRun> =>
  runCaptured({ cwd, ...options, args: ["sandbox", "fault", ...args], env: { PATH: "/usr/bin" } });

describe("without a verb", () => {
  test("a person sees all faults in groups, three examples, and no line that is too wide", async () => {
    const { code, out } = await fault([], { columns: 100 });
    expect(code).toBe(0);
    for (const name of Object.keys(faultCatalogue)) expect(out).toContain(`\n  ${name} `);
    expect(out).toMatch(/^Token endpoint\n[^]*\nConnection and login\n[^]*\nThrottling\n[^]*\nExamples:\n(.*\n){3}/);
    expect(out.split("\n").filter((line) => line.length > 100 && !line.includes("npx"))).toEqual([]);
  });

  test("a program gets the same as tabs or JSON, and a verb that is not there the nearest word", async () => {
    expect((await fault([])).out).toMatch(/^Name\tSide\tWhat\n[^\t]+\tmail\t/);
    expect(JSON.parse((await fault(["list", "--json"])).out)).toMatchObject({ faults: { "token-429": { side: "token" } } });
    expect(await fault(["lst"])).toMatchObject({ code: 2, err: expect.stringContaining("did you mean list?") as string });
  });
});

describe("one that runs", () => {
  test("is broken, looked at and mended", async () => {
    const added = await fault(["add", "token-error", "--tenant", "contoso", "--for", "5m", "--param", "code=7000222", "--times", "9"]);
    expect(added).toMatchObject({ code: 0, err: "" });
    expect(added.out).toMatch(/token-error at contoso, from now, for 5 min\.\n {2}The request is refused/);
    expect(sandbox.faults.list()).toMatchObject([
      { order: { name: "token-error", tenant: "contoso", params: { code: 7000222 }, forMs: 300_000, times: 9 } },
    ]);
    expect((await fault(["show"])).out).toMatch(
      /^1 fault is ordered\.\n {2}1 {2}token-error {2}contoso {2}struck 0 times {2}until .* code=7000222\n$/,
    );
    expect(JSON.parse((await fault(["add", "throttle", "--json"])).out)).toMatchObject({ id: 2, order: { name: "throttle" } });
    expect((await fault(["clear", "2"])).out).toMatch(/1 fault taken back/);
    expect((await fault(["clear", "2"])).code).toBe(1);
    expect((await fault(["clear", "token-error"])).code).toBe(0);
    expect((await fault(["clear"])).out).toBe("There was none to take back.\n");
    expect((await fault(["show"])).out).toBe("Nothing goes wrong on purpose.\n");
  });

  test("is broken over one of the two mail protocols, and a fault says which server has it", async () => {
    const added = await fault(["add", "protocol-disabled", "--tenant", "contoso", "--protocol", "pop3"]);
    expect(added.out).toMatch(/protocol-disabled at contoso, over POP3, from now/);
    expect(sandbox.faults.list()).toMatchObject([{ order: { name: "protocol-disabled", tenant: "contoso", protocol: "pop3" } }]);
    expect((await fault(["add", "auth-no", "--protocol", "smtp"])).err).toContain("protocol is imap or pop3");
    const servers = ["token-429", "auth-no", "search-wrong", "uidl-reused"].map(async (name) => (await fault(["show", name])).out);
    expect((await Promise.all(servers)).map((out) => out.split("\n")[0])).toEqual([
      "token-429 (token endpoint)",
      "auth-no (IMAP and POP3 server)",
      "search-wrong (IMAP server)",
      "uidl-reused (POP3 server)",
    ]);
  });

  test("is watched and ended with the options that it was ordered with", async () => {
    const added = await fault(["add", "throttle", "--data", "./.mailfleet"]);
    expect(added.out).toContain("Watch: npx mailfleet status --data ./.mailfleet  ");
    expect(added.out).toMatch(/sandbox fault clear \d+ --data \.\/\.mailfleet\n/);
    const alone = await fault(["add", "throttle", "--data-dir", ".mailfleet/sandbox-alone"]);
    expect(alone.out).toMatch(/Watch: npx mailfleet status  .* clear \d+ --data-dir \.mailfleet\/sandbox-alone\n/);
  });

  test("takes an order in one line too, and flags beside it", async () => {
    const added = await fault(["add", "token-5xx,tenant=contoso,status=502", "--for", "5m", "--param", "body=html"]);
    expect(added.code).toBe(0);
    expect(sandbox.faults.list()).toMatchObject([
      { order: { name: "token-5xx", tenant: "contoso", params: { status: 502, body: "html" }, forMs: 300_000 } },
    ]);
  });

  test.each([
    [["add", "throttel"], "There is no fault throttel; did you mean throttle?"],
    [["clear", "throttel"], "did you mean throttle?"],
    [["show", "throttel"], "did you mean throttle?"],
    [
      ["add", "throttle", "--for", "5", "--times", "0", "--param", "colour=1"],
      /for is a time such as 30s[^]*times is a whole[^]*throttle has no colour/,
    ],
    [["add", "throttle", "--tenant", "nobody"], "the sandbox has no tenant nobody; it has: contoso"],
    [["add", "throttle,times=0", "--for", "5"], /for is a time[^]*times is a whole/],
    [["add"], "Missing required argument 'name'."],
  ])("%j is exit 2 with all that is wrong, and changes nothing", async (args, what) => {
    const { code, err } = await fault(args);
    expect(code).toBe(2);
    expect(err).toMatch(what);
    expect(sandbox.faults.list()).toEqual([]);
  });

  test("takes no parameter in silence that it does not know, whatever its name", async () => {
    for (const args of [["throttle", "--param", "__proto__=x"], ["throttle,__proto__=x"]]) {
      const { code, err } = await fault(["add", ...args]);
      expect(code).toBe(2);
      expect(err).toContain("throttle has no __proto__; it has:");
    }
    expect((await fault(["add", "throttle"])).out).toContain("throttle everywhere, from now");
  });
});

test("one fault is shown with its parameters", async () => {
  expect((await fault(["show", "token-429"])).out).toMatch(
    /^token-429 \(token endpoint\)\n {2}.*\n {4}retryAfter .*: seconds, date, none; default seconds\n/,
  );
  expect((await fault(["show", "token-stall"])).out).toContain("It has no parameter.");
});

test("where no sandbox runs, it says how to start one", async () => {
  const elsewhere = path.join(cwd, "elsewhere");
  mkdirSync(path.join(elsewhere, ".mailfleet/sandbox-alone"), { recursive: true });
  // What a crash leaves: a process that is gone.
  const left = JSON.stringify({ url: "http://127.0.0.1:9", token: "t", pid: 2 ** 30 });
  writeFileSync(path.join(elsewhere, ".mailfleet/sandbox-alone/control.json"), left);
  const { code, err } = await fault(["add", "throttle"], { cwd: elsewhere });
  expect(code).toBe(2);
  expect(err).toMatch(/No sandbox runs in \.\/\.mailfleet\.\n[^]*npx mailfleet up/);
});

describe("the flags of a sandbox that is started", () => {
  test("take faults in one line, and from a file in YAML or JSON", () => {
    writeFileSync(path.join(cwd, "a.yaml"), "- name: token-5xx\n  after: 30s\n  params: { status: 502 }\n- throttle,hintMs=1m\n");
    writeFileSync(path.join(cwd, "b.json"), '[{"name":"token-stall","times":1}]');
    const flags = checkFaultFlags(
      ["--seed", "7", "--fault", "token-empty,for=1m", "--faults", "a.yaml", "--faults=b.json", "--no-faults"],
      cwd,
    );
    expect(flags.filter((flag) => !flag.startsWith("{") && flag !== "--fault")).toEqual(["--seed", "7", "--no-faults"]);
    expect(flags.filter((flag) => flag.startsWith("{")).map((flag) => JSON.parse(flag) as unknown)).toEqual([
      { name: "token-empty", params: {}, forMs: 60_000 },
      { name: "token-5xx", params: { status: 502 }, afterMs: 30_000 },
      { name: "throttle", params: { hintMs: 60_000 } },
      { name: "token-stall", times: 1 },
    ]);
  });

  test("are refused with every problem of every source, and the line in the file", () => {
    writeFileSync(path.join(cwd, "bad.yaml"), "- name: token-stall\n- name: token-5xx\n  for: 5\n- name: nope\n");
    writeFileSync(path.join(cwd, "map.yaml"), "name: token-stall\n");
    const flags = ["--fault", "throttle,times=0", "--faults", "bad.yaml", "--faults", "map.yaml", "--faults", "gone.yaml"];
    expect(() => checkFaultFlags(flags, cwd)).toThrow(
      /--fault throttle,times=0: times[^]*bad\.yaml line 2: for is a time[^]*bad\.yaml line 4: there is no fault nope[^]*map\.yaml has no list[^]*gone\.yaml cannot be read \(ENOENT\)/,
    );
  });

  test("leave alone what is the sandbox's own", () => {
    expect(checkFaultFlags(["--faults", "--tenant", "a:1"], cwd)).toEqual(["--faults", "--tenant", "a:1"]);
  });
});
