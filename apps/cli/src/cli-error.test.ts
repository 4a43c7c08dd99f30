import { expect, test } from "vitest";
import { formatReport } from "./cli-error.ts";

const report = {
  code: "MAILBOX_UNKNOWN",
  what: "suport@contoso.example is not in the configuration; did you mean support@contoso.example, sport@contoso.example?",
  next: "Nothing was done.",
  todo: ["npx mailfleet doctor --mailbox support@contoso.example --tenant contoso --config mailfleet.yaml"],
};

test("on a terminal sentences are broken under themselves, and a command stays whole", () => {
  expect(formatReport(report, "✗", 80).split("\n")).toEqual([
    "✗ suport@contoso.example is not in the configuration; did you mean",
    "  support@contoso.example, sport@contoso.example?",
    "  Nothing was done.",
    "  npx mailfleet doctor --mailbox support@contoso.example --tenant contoso --config mailfleet.yaml",
  ]);
});

test("elsewhere nothing is broken, and a list stays a list", () => {
  expect(formatReport(report, "✗").split("\n")[0]).toBe(`✗ ${report.what}`);
  expect(formatReport({ code: "FAULT_ORDER", what: "That cannot be:\n  one\n  two" }, "✗", 80)).toBe("✗ That cannot be:\n  one\n  two");
});
