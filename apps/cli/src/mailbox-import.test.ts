import fc from "fast-check";
import { expect, test } from "vitest";
import type { MailboxRef } from "@mailfleet/core";
import { readMailboxChunks } from "./mailbox-file.ts";
import { addLines, importJson, importLines, type ImportPlan, type ImportView, planImport } from "./mailbox-import.ts";

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

async function planOf(text: string, configured: readonly MailboxRef[] = []): Promise<ImportPlan> {
  const planner = planImport(await readMailboxChunks([Buffer.from(text)], "boxes.csv"), tenant);
  for (const mailbox of configured) planner.note(mailbox, true);
  // A scan of Redis may tell one twice.
  for (const mailbox of [...known, ...known.slice(0, 2)]) planner.note(mailbox, false);
  return planner.plan();
}
const dry: ImportView = { file: "boxes.csv", isDryRun: true, isPruning: false };
const lines = (plan: ImportPlan, given: Partial<ImportView> = {}): string[] => [...importLines(plan, { ...dry, ...given })];

test("the plan reads as a diff whose sums add up", async () => {
  expect(lines(await planOf(csv))).toEqual([
    "boxes.csv: 9 rows, 6 good, 3 left out",
    "  +     4 new          ap@contoso.com, ar@contoso.com, berlin@contoso.com and 1 more (--list new)",
    "  ~     1 change       protocol imap to pop3 (1)",
    "  =     1 as they are",
    "    1 is POP3: its INBOX alone, without flags or push.",
    "    Not in the file but here: 1. They stay; --prune would take them out.",
    '  Left out   line   8  "sales @contoso.com"  a space in the address',
    '             line   9  "AP@contoso.com"      same as line 2, and 1 more (--list problems)',
    "Plan: 4 to add, 1 to change, 0 to remove. Nothing was changed; without --dry-run it will be.",
  ]);
});

test("rows of POP3 are counted, and so are those that are there", async () => {
  const plan = await planOf(
    "a@contoso.com,pop3\nb@contoso.com,pop3\nsame@contoso.com,\nbad contoso,pop3\ntheirs@contoso.com,pop3\nmoved@contoso.com,pop3\n",
  );
  expect(lines(plan)).toContain("    3 are POP3: their INBOX alone, without flags or push.");
});

test("what was added by hand is said by address, without a word of files", async () => {
  const plan = await planOf("a@contoso.com\nb@contoso.com\nsame@contoso.com\nmoved@contoso.com,pop3\n");
  expect([...addLines(plan)]).toEqual([
    "Added: a@contoso.com, b@contoso.com.",
    "Changed: moved@contoso.com, protocol imap to pop3.",
    "Already there: same@contoso.com.",
    "1 is POP3: its INBOX alone, without flags or push.",
  ]);
});

test("a protocol that the configuration overrules at the next start is said, by add and by import", async () => {
  const configured: MailboxRef[] = [
    { tenant: "contoso", address: "moved@contoso.com", protocol: "imap" },
    { tenant: "contoso", address: "same@contoso.com", protocol: "imap" },
  ];
  const words =
    "The configuration has the other protocol for moved@contoso.com: the next start of a producer goes back to that. Change it there too.";
  const plan = await planOf("same@contoso.com\nmoved@contoso.com,pop3\n", configured);
  expect([...addLines(plan)].at(-1)).toBe(words);
  expect(lines(plan)).toContain(`    ${words}`);
  expect(importJson(plan, dry)).toMatchObject({ overruled: ["moved@contoso.com"] });
  expect((await planOf("same@contoso.com\nmoved@contoso.com,pop3\n")).overruled).toEqual([]);
});

test("pruning is said before and after, and those of the configuration stay", async () => {
  const configured: MailboxRef[] = [{ tenant: "contoso", address: "absent@contoso.com", protocol: "imap" }];
  expect(lines(await planOf(csv), { isPruning: true })).toEqual(
    expect.arrayContaining([
      "    Not in the file but here: 1. They will be taken out.",
      "Plan: 4 to add, 1 to change, 1 to remove. Nothing was changed; without --dry-run it will be.",
    ]),
  );
  expect(lines(await planOf(csv, configured), { isPruning: true, isDryRun: false })).toEqual(
    expect.arrayContaining(["    Not in the file but in the configuration: 1. They stay.", "Done: 4 added, 1 changed, 0 removed."]),
  );
});

test("what was tried is said by reason", async () => {
  const refused = ["hr@contoso.com", "vault@contoso.com"].map((address) => ({ address, why: "no access granted" }));
  expect(lines(await planOf(csv), { sample: { tried: 50, open: 48, refused } })).toContain(
    "  Tried 50 of the new: 48 open, 2 refuse (no access granted): hr@contoso.com, vault@contoso.com",
  );
});

test("what is named short can be listed whole", async () => {
  const plan = await planOf(csv);
  expect(lines(plan, { list: "new" })).toContain("      zurich@contoso.com");
  expect(lines(plan, { list: "change" })).toContain("      moved@contoso.com imap to pop3");
  expect(lines(plan, { list: "problems" }).join("\n")).toContain("is in tenant fabrikam already");
  expect(lines(plan, { list: "missing" })).toContain("      absent@contoso.com");
});

test("columns that are not looked at are named", async () => {
  expect(lines(await planOf('"Name","PrimarySmtpAddress"\n"Box","a@contoso.com"\n'))).toContain('  Not looked at: 1 column, "Name"');
});

test("every row is in exactly one part of the plan", async () => {
  const address = fc.constantFrom("a@x.example", "b@x.example", "c@x.example", "same@contoso.com", "theirs@contoso.com", "no at", "");
  const protocol = fc.constantFrom("", "imap", "pop3", "nntp");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(address, protocol)), async (rows) => {
      const plan = await planOf(`address,protocol\n${rows.map((row) => row.join(",")).join("\n")}\n`);
      expect(plan.fresh.count + plan.changes.count + plan.same.count + plan.problemCount).toBe(plan.rows);
      expect([...plan.fresh]).toHaveLength(plan.fresh.count);
    }),
  );
});

test("the JSON has whole lists", async () => {
  expect(importJson(await planOf(csv), dry)).toMatchObject({
    schema: "mailfleet.import/1",
    dryRun: true,
    rows: 9,
    good: 6,
    leftOut: 3,
    same: 1,
    pop3: 1,
    new: [{ address: "ap@contoso.com", protocol: "imap" }, {}, {}, {}],
    change: [{ address: "moved@contoso.com", from: "imap", to: "pop3" }],
    missing: ["absent@contoso.com"],
    pruned: false,
  });
});
