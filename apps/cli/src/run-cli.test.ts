import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Writable } from "node:stream";
import { afterAll, describe, expect, test } from "vitest";
import { runCli } from "./run-cli.ts";

const cwd = mkdtempSync(path.join(tmpdir(), "mailfleet-cli-"));
afterAll(() => rmSync(cwd, { recursive: true }));

/** Runs a verb as a process would, with nothing but a PATH. */
async function run(...args: string[]): Promise<{ code: number | undefined; out: string; err: string }> {
  const texts = { out: "", err: "" };
  const stream = (name: "out" | "err"): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        texts[name] += chunk.toString();
        done();
      },
    });
  const code = await runCli({
    args,
    env: { PATH: "/usr/bin" },
    cwd,
    stdout: stream("out"),
    stderr: stream("err"),
    setVariable: () => undefined,
  });
  return { code, ...texts };
}

describe("wrong usage is exit 2, names the nearest word, and starts nothing", () => {
  test.each([
    [["staus"], "The verb staus is not known; did you mean status?"],
    [["up", "--onse"], "The flag --onse is not known; did you mean --once?"],
    [["mailboxes", "lst"], "The verb lst is not known; did you mean list?"],
    [["up", "--workers", "0"], "Option '--workers <n>' argument '0' is invalid. expected a number from 1 to 64."],
    [["up", "--color", "blue"], "Option '--color <when>' argument 'blue' is invalid. Allowed choices are auto, always, never."],
    [["try"], "Missing required argument 'mailbox'."],
    [["mailboxes", "add", "a@b.example"], "Required option '--tenant <alias>' not specified."],
    [["up", "--config", "x.yaml", "--seed", "2"], "--seed is for the sandbox, and --config names your own tenants."],
  ])("%j", async (args, what) => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err.split("\n").slice(0, 2)).toEqual([`✗ ${what}`, "  Nothing was started."]);
  });
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
