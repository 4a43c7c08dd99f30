import { expect, test } from "vitest";
import { formatReport, reportJson } from "./cli-error.ts";

const report = {
  code: "MAILBOX_UNKNOWN",
  what: "suport@contoso.example is not in the configuration; did you mean support@contoso.example, sport@contoso.example?",
  next: "Nothing was done.",
  todo: ["npx mailfleet doctor --mailbox support@contoso.example --tenant contoso --config mailfleet.yaml"],
};

const none = { given: "", start: "" };

test("on a terminal sentences are broken under themselves, and a command stays whole", () => {
  expect(formatReport(report, "✗", none, 80).split("\n")).toEqual([
    "✗ suport@contoso.example is not in the configuration; did you mean",
    "  support@contoso.example, sport@contoso.example?",
    "  Nothing was done.",
    "  npx mailfleet doctor --mailbox support@contoso.example --tenant contoso --config mailfleet.yaml",
  ]);
});

test("elsewhere nothing is broken, and a list stays a list", () => {
  expect(formatReport(report, "✗", none).split("\n")[0]).toBe(`✗ ${report.what}`);
  expect(formatReport({ code: "FAULT_ORDER", what: "That cannot be:\n  one\n  two" }, "✗", none, 80)).toBe(
    "✗ That cannot be:\n  one\n  two",
  );
});

test("commands to paste get the options of the call, up those that it needs to begin the same fleet; sentences stay as they are", () => {
  const todo = ["Ask again later.", { say: "See all", run: "mailboxes list" }, { run: "up" }];
  const options = { given: " --data ./other", start: " --config mailfleet.yaml --data ./other" };
  const lines = ["Ask again later.", "See all: npx mailfleet mailboxes list --data ./other", `npx mailfleet up${options.start}`];
  expect(formatReport({ code: "X", what: "So it is.", todo }, "✗", options).split("\n  ").slice(1)).toEqual(lines);
  expect(JSON.parse(reportJson({ code: "X", what: "So it is.", todo }, options))).toMatchObject({ error: { do: lines } });
});
