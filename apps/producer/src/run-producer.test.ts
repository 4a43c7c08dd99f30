import type { MailboxRef } from "@mailfleet/core";
import { expect, test } from "vitest";
import { othersThan } from "./run-producer.ts";

const box = (tenant: string, name: string): MailboxRef => ({ tenant, address: `${name}@${tenant}.example`, protocol: "imap" });

test("a registered mailbox that the configuration does not name is told from those it names, tenant by tenant", () => {
  const configured = [box("contoso", "support"), box("fabrikam", "sales")];
  const left = box("contoso", "left");
  const moved = { ...box("fabrikam", "sales"), tenant: "contoso" };
  expect(othersThan(configured, [...configured, left, moved])).toEqual([left, moved]);
  expect(othersThan(configured, configured)).toEqual([]);
});
