import { expect, test } from "vitest";
import { testCause, testMailbox, testNow } from "./fleet-fixture.ts";
import { mailboxTable } from "./mailbox-table.ts";
import { textWidth } from "./text-layout.ts";

const records = [
  testMailbox("northwind/a-very-long-name.of-a-person@northwind.example"),
  testMailbox("contoso/hr@contoso.example", { cause: testCause({ code: "MAILBOX_ACCESS_DENIED", state: "parked", tries: 3 }) }),
];
const table = (width: number): string[] =>
  mailboxTable(records, { now: testNow, freshWithinMs: 600_000 }, { width, isPlain: false, zone: "utc" });

test("a wide terminal has the state's sentence, the tenant and what is to do", () => {
  const [head, , parked] = table(120);
  expect(head).toMatch(/^ {3}Mailbox +State +Tenant +To do$/);
  expect(parked).toMatch(/^✗ {2}hr@contoso\.example +parked: no access was granted +contoso +0$/);
});

test("where any is read over POP3, each says over what, beside its state", () => {
  const mixed = [...records, testMailbox("contoso/pop@contoso.example", { protocol: "pop3" })];
  const style = { width: 120, isPlain: false, zone: "utc" } as const;
  const lines = mailboxTable(mixed, { now: testNow, freshWithinMs: 600_000 }, style);
  expect(lines[0]).toMatch(/To do {2}Over$/);
  expect(lines.map((text) => text.split(/ +/).at(-1))).toEqual(["Over", "IMAP", "IMAP", "POP3"]);
});

test.each([40, 60, 80])("at %i columns the state stays, in a sentence or a word, and no line is too long", (width) => {
  const lines = table(width);
  for (const text of lines) expect(textWidth(text)).toBeLessThanOrEqual(width);
  expect(lines[0]).toContain("State");
  expect(lines[1]).toContain("fresh");
  expect(lines[2]).toContain("parked");
});
