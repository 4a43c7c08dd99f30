import { expect, test } from "vitest";
import { unreadLine } from "./proof-lines.ts";

const mailbox = { tenant: "contoso", address: "support@contoso.example", protocol: "imap" } as const;

test.each([
  ["Request is throttled. Suggested Backoff Time: 20000 milliseconds", "20000 milliseconds. See where it stops: npx mailfleet doctor"],
  ["The mailbox refused every command.", "every command. See where it stops: npx mailfleet doctor"],
])("why a mailbox could not be read ends as a sentence before the next begins: %s", (what, end) => {
  expect(unreadLine({ mailbox, failure: { code: "SERVER_THROTTLED", what } }, "").text).toContain(end);
});
