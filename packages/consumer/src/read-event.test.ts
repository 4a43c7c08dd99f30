import { expect, test } from "vitest";
import type { Agreement } from "./agreement.fixture.ts";
import { eventId as eventIdOfCore, type MailEvent, shardPrefixes as prefixesOfCore } from "@mailfleet/core";
import { eventId, type EventType } from "./event.ts";
import { inventedEvent } from "./invented.fixture.ts";
import { readEvent } from "./read-event.ts";
import { shardPrefixes } from "./shards.ts";

const eventTypes: readonly EventType[] = [
  "message.added",
  "message.quarantined",
  "message.flags",
  "message.removed",
  "message.rekeyed",
  "folder.reset",
  "mailbox.parked",
  "mailbox.resumed",
];

test("the SDK knows the events of the contract, field by field", () => {
  // checked by the compiler; see agreement.fixture.ts
  const agreement: Agreement = [true, true, true, true, true, true, true, true, true];
  expect(agreement).not.toContain(false);
  for (const type of eventTypes) expect(readEvent(inventedEvent(1, { type }))).toMatchObject({ type });
});

test("an event's id is the one that mailfleet queues it under", () => {
  for (const type of eventTypes) {
    const event = inventedEvent(1, { type, change: 7, previousKey: "before" });
    expect(eventId(event)).toBe(eventIdOfCore(event as unknown as MailEvent));
  }
});

test("a type that is not known yet is left alone", () => {
  expect(readEvent(inventedEvent(1, { type: "message.translated" }))).toBeUndefined();
  expect(readEvent(inventedEvent(1, { type: "toString" }))).toBeUndefined();
});

test.each([
  ["an event of another version", { ...inventedEvent(1), schema: "mailfleet.event/2" }, "mailfleet.event/2"],
  ["a job of somebody else", { url: "https://shop.example" }, "no known schema"],
  ["nothing", null, "no known schema"],
  ["an event without its key", { ...inventedEvent(1), key: undefined }, "lacks its type, key"],
])("%s does not pass for handled", (_name, data, words) => {
  expect(() => readEvent(data)).toThrow(words);
});

test("the queues of a fleet in shards are where mailfleet puts them", () => {
  for (const shards of [1, 2, 16]) expect(shardPrefixes("acme", shards)).toEqual(prefixesOfCore("acme", shards));
  expect(() => shardPrefixes("acme", 0)).toThrow("expected 1 or more");
});
