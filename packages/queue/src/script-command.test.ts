import fc from "fast-check";
import { Command } from "ioredis";
import { expect, test } from "vitest";
import type { OutgoingEvent } from "@mailfleet/core";
import { ScriptCommand } from "./script-command.ts";

const text = fc.string({ unit: "grapheme", maxLength: 20 });
const argument = fc.oneof(
  text,
  fc.nat(),
  fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
);
const piece = fc.oneof(
  text,
  text.map((one) => new TextEncoder().encode(one)),
);
const event = fc.record({ id: text, key: text, type: fc.constant("message.added" as const), json: fc.array(piece, { maxLength: 5 }) });

/** What ioredis writes where each event is one buffer. */
function writtenByIoredis(args: readonly (string | number | Buffer)[], events: readonly OutgoingEvent[]): Buffer {
  const joined = (json: OutgoingEvent["json"]): Buffer => Buffer.concat(json.map((one) => Buffer.from(one as string)));
  const all = [...args, Buffer.alloc(0), ...events.flatMap(({ id, type, json }) => [id, type, joined(json)])];
  return Buffer.from(new Command("evalsha", all).toWritable({}));
}

test("a script with events is sent byte by byte as ioredis sends it, also the second time", () => {
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 5 }), fc.array(event, { maxLength: 4 }), (args, events) => {
      const command = new ScriptCommand("evalsha", [...args, Buffer.alloc(0)], events);
      const expected = writtenByIoredis(args, events).toString("latin1");
      expect(command.toWritable().toString("latin1")).toBe(expected);
      expect(command.toWritable().toString("latin1")).toBe(expected);
    }),
  );
});

test("the memory of a command goes when its answer is here, and that of its events is not touched", () => {
  const bytes = new TextEncoder().encode('{"subject":"ä"}');
  const command = new ScriptCommand("eval", ["return 1", 0], [{ id: "a", key: "a", type: "message.added", json: [bytes] }]);
  const written = command.toWritable();
  command.letGo();
  expect([written.length, bytes.length]).toEqual([0, 16]);
});
