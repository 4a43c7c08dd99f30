import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { line } from "../text-layout.ts";
import { createTerminal, type OutStream } from "../terminal.ts";
import { createScreen } from "./screen.ts";

/** A terminal of a given width that remembers what was written. */
function screenOf(columns: number) {
  const written: string[] = [];
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk.toString());
        done();
      },
    }),
    { isTTY: true as const, columns, rows: 24 },
  );
  let now = 0;
  const terminal = createTerminal({ stdout: stream, stderr: stream as OutStream, env: {}, color: "never", progress: "auto" });
  return {
    screen: createScreen(terminal, stream, () => now),
    written,
    resize(to: number) {
      stream.columns = to;
      stream.emit("resize");
    },
    pass: (ms: number) => void (now += ms),
  };
}

test("a panel is drawn over the last one, in one write", () => {
  const { screen, written, pass } = screenOf(80);
  screen.draw(() => [line("one"), line("two")]);
  pass(300);
  screen.draw(() => [line("three")]);
  expect(written).toEqual(["one\ntwo\n", "\u001b[2A\r\u001b[Jthree\n"]);
  screen.close();
});

test("what is printed goes above the panel and stays", () => {
  const { screen, written } = screenOf(80);
  screen.draw(() => [line("panel")]);
  screen.print([line("worker 1 ended")]);
  expect(written.at(-1)).toBe("\u001b[1A\r\u001b[Jworker 1 ended\npanel\n");
  screen.close();
});

test("a resize draws anew for the new width, and counts the rows that the old lines take now", () => {
  const { screen, written, resize } = screenOf(100);
  let width = 100;
  screen.draw(() => [line("x".repeat(width))]);
  width = 40;
  resize(40);
  expect(written.at(-1)).toBe(`\u001b[3A\r\u001b[J${"x".repeat(40)}\n`);
  screen.close();
});

test("more than four draws a second become one, which is the last; closing draws what waits", () => {
  const { screen, written, pass } = screenOf(80);
  for (const text of ["a", "b", "c"]) {
    screen.draw(() => [line(text)]);
    pass(20);
  }
  expect(written).toEqual(["a\n"]);
  screen.close();
  expect(written.at(-1)).toBe("\u001b[1A\r\u001b[Jc\n");
});
