import fc from "fast-check";
import { expect, test } from "vitest";
import { parseMailboxCsv } from "@mailfleet/config";
import type { MailboxRef } from "@mailfleet/core";
import { importJson, importLines, planImport } from "./mailbox-import.ts";

const tenant = { alias: "contoso", protocol: "imap" } as const;
const known: MailboxRef[] = [
  { tenant: "contoso", address: "same@contoso.com", protocol: "imap" },
  { tenant: "contoso", address: "moved@contoso.com", protocol: "imap" },
  { tenant: "contoso", address: "absent@contoso.com", protocol: "imap" },
  { tenant: "fabrikam", address: "theirs@contoso.com", protocol: "imap" },
];
const csv = `address,protocol
ap@contoso.com,
ar@contoso.com,
berlin@contoso.com,
zurich@contoso.com,
same@contoso.com,
moved@contoso.com,pop3
sales @contoso.com,
AP@contoso.com,
theirs@contoso.com,
`;

const plan = planImport(parseMailboxCsv(csv), tenant, known);

test("the plan reads as a diff whose sums add up", () => {
  expect(importLines(plan, "boxes.csv", true, undefined)).toEqual([
    "boxes.csv: 9 rows, 6 good, 3 left out",
    "  +     4 new          ap@contoso.com, ar@contoso.com, berlin@contoso.com and 1 more (--list new)",
    "  ~     1 change       protocol imap to pop3 (1)",
    "  =     1 as they are",
    "    Not in the file but here: 1. They stay.",
    '  Left out   line   8  "sales @contoso.com"  a space in the address',
    '             line   9  "ap@contoso.com"      same as line 2, and 1 more (--list problems)',
    "Plan: 4 to add, 1 to change, 0 to remove. Nothing was changed; without --dry-run it will be.",
  ]);
});

test("what is named short can be listed whole", () => {
  expect(importLines(plan, "boxes.csv", true, "new").join("\n")).toContain("\n                   zurich@contoso.com");
  expect(importLines(plan, "boxes.csv", true, "problems").join("\n")).toContain("is in tenant fabrikam already");
  expect(importLines(plan, "boxes.csv", true, "missing")).toContain("      absent@contoso.com");
});

test("every row is in exactly one part of the plan", () => {
  const address = fc.constantFrom("a@x.example", "b@x.example", "c@x.example", "same@contoso.com", "theirs@contoso.com", "no at", "");
  const protocol = fc.constantFrom("", "imap", "pop3", "nntp");
  fc.assert(
    fc.property(fc.array(fc.tuple(address, protocol)), (rows) => {
      const text = `address,protocol\n${rows.map((row) => row.join(",")).join("\n")}\n`;
      const { rows: all, fresh, changes, same, problems } = planImport(parseMailboxCsv(text), tenant, known);
      expect(fresh.length + changes.length + same + problems.length).toBe(all);
    }),
  );
});

test("the JSON has whole lists", () => {
  expect(importJson(plan, true)).toMatchObject({
    schema: "mailfleet.import/1",
    dryRun: true,
    rows: 9,
    good: 6,
    leftOut: 3,
    same: 1,
    missing: ["absent@contoso.com"],
  });
});
