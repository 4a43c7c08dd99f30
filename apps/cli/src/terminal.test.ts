import { PassThrough } from "node:stream";
import { WriteStream } from "node:tty";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createTerminal, type Terminal, type TerminalOptions } from "./terminal.ts";

/** A stream as a terminal's, which says of itself how many colours it has. */
const screen = () => Object.assign(new PassThrough(), { isTTY: true, columns: 80, getColorDepth: WriteStream.prototype.getColorDepth });

function terminalOf(env: Record<string, string> = {}, more: Partial<TerminalOptions> = {}): Terminal {
  return createTerminal({
    stdout: screen(),
    stderr: screen(),
    env: { LANG: "en_GB.UTF-8", ...env },
    color: "auto",
    progress: "auto",
    ...more,
  });
}

describe("progress", () => {
  test.each<[string, Terminal["progress"], Record<string, string>, Partial<TerminalOptions>]>([
    ["is redrawn on a terminal", "live", {}, {}],
    ["is plain where ACCESSIBLE asks for it", "plain", { ACCESSIBLE: "1" }, {}],
    ["is plain in CI", "plain", { CI: "true" }, {}],
    ["is plain on a dumb terminal", "plain", { TERM: "dumb" }, {}],
    ["is plain in a pipe", "plain", {}, { stderr: new PassThrough() }],
    ["is plain or none where that is asked for", "none", {}, { progress: "none" }],
    ["is live where a variable says no", "live", { ACCESSIBLE: "0", CI: "false" }, {}],
  ])("%s", (_, progress, env, more) => {
    expect(terminalOf(env, more).progress).toBe(progress);
  });
});

describe("colour", () => {
  beforeEach(() => {
    for (const name of ["NO_COLOR", "FORCE_COLOR", "NODE_DISABLE_COLORS", "CI"]) vi.stubEnv(name, undefined);
    vi.stubEnv("TERM", "xterm-256color");
  });
  afterEach(() => void vi.unstubAllEnvs());

  test("is of the theme's own sixteen, and none at all with NO_COLOR, in a pipe, or where it is not wanted", () => {
    expect(terminalOf().paint("yours", "x")).toBe("\u001b[31mx\u001b[39m");
    expect(terminalOf({}, { color: "never" }).paint("yours", "x")).toBe("x");
    expect(terminalOf({}, { stderr: new PassThrough() }).paint("yours", "x")).toBe("x");
    vi.stubEnv("NO_COLOR", "1");
    for (const role of ["done", "yours", "look", "moving", "strong"] as const) expect(terminalOf().paint(role, "x")).toBe("x");
    expect(terminalOf({}, { color: "always" }).paint("done", "x")).toBe("\u001b[32mx\u001b[39m");
  });

  test("is never alone: each state has a mark of its own, in words where the terminal has no other letters", () => {
    for (const env of [{}, { LANG: "C" }]) {
      const { done, yours, look, moving } = terminalOf(env).marks;
      expect(new Set([done, yours, look, moving]).size).toBe(4);
    }
    const { marks } = terminalOf({ LANG: "C" });
    expect(Object.values(marks).join("")).toMatch(/^[\u0020-\u007e]+$/);
    expect([marks.done, marks.yours]).toEqual(["ok", "FAIL"]);
  });
});
