import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type CapturedRun, runCaptured } from "./captured-run.fixture.ts";

const cwd = mkdtempSync(path.join(tmpdir(), "mailfleet-cli-"));
afterAll(() => rmSync(cwd, { recursive: true }));

/** Runs a verb as a process would, with nothing but a PATH. */
const run = (...args: string[]): Promise<CapturedRun> => runCaptured({ args, cwd, env: { PATH: "/usr/bin" } });

const yamlOf = (secretFile: string): string =>
  `tenants: { contoso: { tenantId: 11111111-1111-4111-8111-111111111111, clientId: 22222222-2222-4222-8222-222222222222, credential: { secretFile: ${secretFile} }, mailboxes: [a@contoso.example] } }\n`;

describe("wrong usage is exit 2, names the nearest word, and starts nothing", () => {
  test.each([
    [["staus"], "The verb staus is not known; did you mean status?"],
    [["up", "--onse"], "The flag --onse is not known; did you mean --once?"],
    [["mailboxes", "lst"], "The verb lst is not known; did you mean list?"],
    [["up", "--workers", "0"], "--workers cannot be '0'; expected a number from 1 to 64."],
    [["up", "--color", "blue"], "--color cannot be 'blue'; expected one of auto, always, never."],
    [["try"], "Missing required argument 'mailbox'."],
    [["mailboxes", "add", "a@b.example"], "Required option '--tenant <alias>' not specified."],
    [["up", "--config", "x.yaml", "--seed", "2"], "--seed is for the sandbox, and --config names your own tenants."],
  ])("%j", async (args, what) => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err.split("\n").slice(0, 2)).toEqual([`✗ ${what}`, "  Nothing was started."]);
  });
});

test.each([
  [["mailboxes", "park"], "npx mailfleet mailboxes park --help"],
  [["mailboxes", "lst"], "npx mailfleet mailboxes --help"],
  [["mailboxes", "list", "--state", "gone"], "npx mailfleet mailboxes list --help"],
  [["staus"], "npx mailfleet --help"],
])("after %j the help of that very verb is named", async (args, help) => {
  const { err } = await run(...args);
  expect(err.trimEnd().split("\n").at(-1)).toBe(`  ${help}`);
});

test("a try of no mailbox says where to find one", async () => {
  expect((await run("try", "--protocol", "pop3")).err).toContain("\n  Which there are: npx mailfleet mailboxes list\n");
});

test("a command that is printed with an error reaches the fleet of the call, quoted where a shell needs it", async () => {
  const resumed = await run("mailboxes", "resume", "--cause", "NOPE", "--config", "my fleet.yaml", "--data", "./other");
  expect(resumed.err).toContain("\n  See which there are: npx mailfleet status --json --config 'my fleet.yaml' --data ./other\n");
  expect((await run("plan", "--config", "fleet.yaml")).err).toContain(
    "\n  Which there are: npx mailfleet mailboxes list --config fleet.yaml\n",
  );
});

test("up is named with the file that other verbs find by themselves: alone it would start the sandbox", async () => {
  const folder = mkdtempSync(path.join(cwd, "own-"));
  writeFileSync(path.join(folder, "secret"), "a-long-secret-of-somebody", { mode: 0o600 });
  writeFileSync(path.join(folder, "mailfleet.yaml"), yamlOf("./secret"));
  const { err } = await runCaptured({ args: ["status", "--data", "./data"], cwd: folder, env: { PATH: "/usr/bin" } });
  expect(err).toContain("\n  Start it: npx mailfleet up --config mailfleet.yaml --data ./data\n");
});

test("a configuration that is not there, and a secret file, are told with what can be done", async () => {
  writeFileSync(path.join(cwd, "nosecret.yaml"), yamlOf("./gone.secret"));
  const todo = async (file: string): Promise<string[]> =>
    (JSON.parse((await run("status", "--json", "--config", file)).out) as { error: { do: string[] } }).error.do;
  expect(await todo("nowhere.yaml")).toEqual([
    "Name the one that is there: --config FILE",
    "or start the sandbox, which needs none: npx mailfleet up",
  ]);
  expect(await todo("nosecret.yaml")).toEqual([
    "Write the secret, and end with Ctrl-D: install -m 600 /dev/stdin gone.secret",
    "Check it: npx mailfleet doctor --config nosecret.yaml",
  ]);
  expect((await run("status", "--config", "nosecret.yaml")).err).toContain("\n  Check it: npx mailfleet doctor");
});

describe("a group without one of its verbs is exit 2, with the group's help on stderr", () => {
  test.each(["dead-letters", "mailboxes", "bench"])("%s", async (group) => {
    const { code, out, err } = await run(group);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(`Usage: mailfleet ${group} `);
    expect(err).not.toContain("outputHelp");
    expect(JSON.parse((await run(group, "--json")).out)).toMatchObject({ ok: false, error: { code: "USAGE" } });
  });
});

describe("with --json there is exactly one document on stdout, also on failure", () => {
  writeFileSync(path.join(cwd, "bad.yaml"), "tenants:\n  contoso: { tenantId: contoso, credential: { secret: tops3cret } }\n");
  test.each([
    [["up", "--onse", "--json"], "USAGE"],
    [["status", "--json"], "NO_CONFIG"],
    [["status", "--json", "--config", "nowhere.yaml"], "CONFIG_INVALID"],
    [["up", "--json", "--config", "bad.yaml"], "CONFIG_INVALID"],
    [["up", "--json", "--corpus", "nowhere"], "CORPUS_UNREADABLE"],
  ])("%j", async (args, code) => {
    const { code: exit, out, err } = await run(...args);
    expect(exit).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ ok: false, error: { code, do: expect.any(Array) as unknown } });
    expect(out.trimEnd()).not.toContain("\n");
    expect(out + err).not.toContain("tops3cret");
  });

  test("the problems of a configuration are listed, each with its line and path", async () => {
    const { out } = await run("up", "--json", "--config", "bad.yaml");
    const { error } = JSON.parse(out) as { error: { problems: { line: number; path: string }[] } };
    expect(error.problems.map(({ line, path: where }) => [line, where])).toContainEqual([2, "tenants.contoso.credential.secret"]);
  });
});

describe("help", () => {
  test.each([[[]], [["--help"]], [["up", "--help"]], [["mailboxes", "import", "--help"]], [["tail", "--help"]], [["try", "--help"]]])(
    "of %j begins with three examples that can be pasted",
    async (args) => {
      const { code, out } = await run(...args);
      const lines = out.split("\n");
      expect(code).toBe(0);
      expect(lines[0]).toBe("Examples:");
      for (const text of lines.slice(1, 4)) expect(text).toMatch(/^ {2}(MAILFLEET_\S+ )?npx mailfleet /);
      expect(lines[4]).toBe("");
    },
  );

  test("the version is that of the package", async () => {
    expect(await run("--version")).toEqual({ code: 0, out: "0.1.0\n", err: "" });
  });
});
