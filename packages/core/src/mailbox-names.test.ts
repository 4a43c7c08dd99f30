import { describe, expect, test } from "vitest";
import { eventStem, mailboxNames } from "./mailbox-names.ts";
import { shellWord } from "./words/shell-word.ts";

const { isNamedIn, mask } = mailboxNames({ address: "a@contoso.com" });

describe("a mailbox is named", () => {
  test.each([
    "a@contoso.com",
    "Parked contoso/a@contoso.com.",
    "A@Contoso.COM",
    "'a@contoso.com'",
    '{"mailbox":"a@contoso.com","folder":"INBOX"}',
    "contoso/a@contoso.com/INBOX/1.14/7",
    "/mailboxes/contoso%2Fa%40contoso.com?x=1",
    "mailbox=a@contoso.com,",
    "<a@contoso.com>",
    "{fleet}:mf:lease:contoso/a@contoso.com:ending",
  ])("in %s", (text) => {
    expect(isNamedIn(text)).toBe(true);
    expect(isNamedIn(mask(text, () => "[purged]"))).toBe(false);
  });

  test.each([
    "aa@contoso.com",
    "x.a@contoso.com",
    "o'a@contoso.com",
    String.raw`'o'\''a@contoso.com'`,
    "a@contoso.com.au",
    "a@contoso.community",
    "a@contoso-com",
    "ä.a@contoso.com",
    "a@contosoxcom",
    "b+a@contoso.com",
  ])("and not in %s", (text) => {
    expect(isNamedIn(text)).toBe(false);
    expect(mask(text, () => "[purged]")).toBe(text);
  });
});

test("an address that needs escapes in keys and URLs is found in each of its forms", () => {
  const odd = { tenant: "contoso", address: "o'brien/x:y@contoso.com" };
  for (const text of [odd.address, eventStem(odd), `?m=${encodeURIComponent(odd.address)}`])
    expect(mailboxNames(odd).isNamedIn(text)).toBe(true);
});

test("an address with an apostrophe is found in a command, also where that is kept as JSON, and nothing of it is left", () => {
  const odd = { address: "o'brien@contoso.com" };
  const command = `npx mailfleet mailboxes park ${shellWord(odd.address)} ${shellWord("b@contoso.com")}`;
  for (const text of [command, JSON.stringify({ command })]) {
    const masked = mailboxNames(odd).mask(text, () => "[purged]");
    expect(mailboxNames(odd).isNamedIn(text)).toBe(true);
    expect(masked).not.toContain("brien");
    expect(masked).toContain("park '[purged]' b@contoso.com");
  }
});

test("a name that is masked by as many bytes leaves a text of the same length", () => {
  const text = "ü a@contoso.com ü";
  expect(mask(text, (name) => "*".repeat(name.length))).toBe("ü ************* ü");
});
