import fc from "fast-check";
import { expect, test } from "vitest";
import { stuffed, withLineEnd, withoutLineEnd } from "./dot-stuffing.ts";

/** Every byte that means something here, and one that does not. */
const messages = fc.array(fc.constantFrom(0x0d, 0x0a, 0x2e, 0x61), { maxLength: 30 }).map((bytes) => Buffer.from(bytes));

function wireOf(message: Buffer): Buffer {
  return Buffer.concat([...stuffed(withoutLineEnd(message)), Buffer.from("\r\n.\r\n")]);
}

/** RFC 1939 section 3, by lines that end with CR LF. */
function unstuff(wire: Buffer): { message: string; rest: string } {
  const lines = wire.toString("latin1").split("\r\n");
  const end = lines.indexOf(".");
  const kept = lines.slice(0, end).map((line) => (line.startsWith(".") ? line.slice(1) : line));
  return { message: kept.map((line) => `${line}\r\n`).join(""), rest: lines.slice(end + 1).join("\r\n") };
}

test("whatever a message is made of, its end is found, and what is unstuffed is the message with an end to its last line", () => {
  fc.assert(
    fc.property(messages, (message) => {
      const { message: found, rest } = unstuff(wireOf(message));
      expect(rest).toBe("");
      expect(found).toBe(withLineEnd(message).toString("latin1"));
    }),
    { numRuns: 2_000 },
  );
});
