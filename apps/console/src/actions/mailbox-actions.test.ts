import type { MailboxRef } from "@mailfleet/core";
import { expect, test } from "vitest";
import { mailboxCommand } from "./mailbox-actions.ts";

const boxes = (count: number): MailboxRef[] =>
  Array.from({ length: count }, (_, i) => ({ tenant: "contoso", address: `m${i}@contoso.example`, protocol: "imap" }));

test("the command names every mailbox once, on as many lines as a shell takes, each with reason and fleet", () => {
  const lines = mailboxCommand("park", boxes(450), "moves away", " --config fleet.yaml").split("\n");
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line).toMatch(/^npx mailfleet mailboxes park .* --reason 'moves away' --config fleet\.yaml$/);
  expect(lines.join(" ").match(/\S+@\S+/g)).toEqual(boxes(450).map(({ address }) => address));
});

test("trying now is the terminal's resume", () => {
  expect(mailboxCommand("try", boxes(1), undefined, "")).toBe("npx mailfleet mailboxes resume m0@contoso.example");
});
