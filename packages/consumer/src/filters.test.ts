import { expect, test } from "vitest";
import type { EventType } from "./event.ts";
import { createFilter, type Filters } from "./filters.ts";
import { inventedEvent } from "./invented.fixture.ts";

const rows: readonly (readonly [string, Filters<EventType>, Readonly<Record<string, unknown>>, boolean])[] = [
  ["no filter lets everything through", {}, {}, true],
  ["a type that is wanted", { types: ["message.added", "message.flags"] }, {}, true],
  ["a type that is not", { types: ["message.flags"] }, {}, false],
  ["another tenant", { tenants: ["fabrikam"] }, {}, false],
  ["history where fresh mail is wanted", { lane: "fresh" }, { lane: "backfill" }, false],
  ["an address whatever its case", { mailboxes: ["Support@Contoso.Example"] }, {}, true],
  ["an address by its domain", { mailboxes: ["*@contoso.example"] }, {}, true],
  ["a dot stands for itself", { mailboxes: ["support@contosoxexample"] }, {}, false],
  ["a part of an address is not the address", { mailboxes: ["support"] }, {}, false],
  ["a folder by its role", { folders: ["inbox"] }, {}, true],
  ["a folder by its path", { folders: ["Projects/*"] }, { folder: { path: "Projects/2026/May" } }, true],
  ["a path is compared as it is written", { folders: ["projects/*"] }, { folder: { path: "Projects/2026" } }, false],
  ["what has no folder passes", { folders: ["inbox"] }, { type: "mailbox.parked", folder: undefined }, true],
  ["a question of one's own", { where: (event) => event.key.endsWith("/1") }, {}, true],
];
test.each(rows)("%s", (_name, filters, more, isWanted) => {
  const { folder, ...event } = inventedEvent(1, more) as unknown as Record<string, unknown>;
  const given = (folder === undefined ? event : { ...event, folder }) as unknown as ReturnType<typeof inventedEvent>;
  expect(createFilter(filters)(given)).toBe(isWanted);
});
