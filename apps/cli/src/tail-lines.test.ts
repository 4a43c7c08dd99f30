import type { MailEvent } from "@mailfleet/core";
import { expect, test } from "vitest";
import { tailLine } from "./tail-lines.ts";

/** ESC, C1, DEL, direction, a zero-width sign and a tag letter. */
const steering = "a\u001b[2J\u009b2J\u007f\u202e\u200b\u{e0041}b";
const event = {
  type: "message.added",
  at: "2026-11-23T14:03:02.000Z",
  key: `contoso/support%40contoso.example/${steering}/1.14/412`,
  lane: "fresh",
  message: { subject: steering },
} as unknown as MailEvent;
const followed = { id: event.key, type: event.type, event };

test("a whole event does nothing to the terminal that it is printed on, and says the same to a program", () => {
  const line = tailLine(followed, true);
  expect(line).toMatch(/^[\x20-\x7e]+$/);
  expect(JSON.parse(line)).toEqual(event);
});

test("a line of an event has its time, type, lane and key, and no subject", () => {
  expect(tailLine(followed, false)).toBe(
    "2026-11-23T14:03:02Z  message.added        fresh     contoso/support%40contoso.example/a[2J2Jb/1.14/412",
  );
  expect(tailLine({ id: "k", type: "message.flags", event: undefined }, false)).toMatch(/ message\.flags +k {3}consumed already$/);
});
