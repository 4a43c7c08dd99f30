import { expect, test } from "vitest";
import { headerLines } from "./header-lines.ts";

const facts = {
  program: "mailfleet 0.1.0",
  what: "sandbox: three invented tenants, nothing leaves this machine",
  console: "http://127.0.0.1:8025",
  queue: "messages, on redis://127.0.0.1:6379",
  data: "./.mailfleet",
  log: "./.mailfleet/mailfleet.log",
  notes: ["Port 8025 is taken; the console listens on 8026."],
};

test("stand side by side on a wide terminal", () => {
  expect(headerLines(facts, 100)).toEqual({
    beside: facts.what,
    below: [
      "  Console   http://127.0.0.1:8025            Queue   messages, on redis://127.0.0.1:6379",
      "  Data      ./.mailfleet                     Log     ./.mailfleet/mailfleet.log",
      "  Port 8025 is taken; the console listens on 8026.",
    ],
  });
});

test.each([80, 60])("at %i columns each has a line, and none is wider", (columns) => {
  const { beside, below } = headerLines(facts, columns);
  expect(below).toContain("  Queue     messages, on redis://127.0.0.1:6379");
  for (const text of [`  ${facts.program}   ${beside}`, ...below]) expect(text.length).toBeLessThanOrEqual(columns);
});

test("without a console the queue stands alone", () => {
  const { console: _none, ...others } = facts;
  expect(headerLines(others, 100).below[0]).toBe("  Queue     messages, on redis://127.0.0.1:6379");
});
