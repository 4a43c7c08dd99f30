import { expect, test } from "vitest";
import { describeValue, showFile, showPath } from "./show.ts";

test.each([
  [undefined, "is missing"],
  [null, "is empty"],
  ["", "is empty"],
  ["contoso", 'is "contoso"'],
  ["0000-0000-0000", 'is "0000-0000-0000"'],
  ["00000000-0000-0000-0000-00000000000", 'is "00000000-0000-0000-0000-00000000000"'],
  [5, "is 5"],
  [true, "is true"],
  [["a"], "is a list"],
  [{ a: 1 }, "is a map"],
  // Client secrets of Entra have 40 characters and a tilde; a copy that lost its end still has the tilde.
  ["hQ8~cAnary.Value-7Zx_42abcdefghijklmnopq", "is a text of 40 characters (not shown)"],
  ["abc8Q~short", "is a text of 11 characters (not shown)"],
  ["d2hhdCBpcyBpdCB0aGF0IHlvdSBsb29rIGZvcj8=", "is a text of 40 characters (not shown)"],
  ["0af90af90af90af90af90af90af90af9", "is a text of 32 characters (not shown)"],
  ["redis://u:p@host", "is a text of 16 characters (not shown)"],
  ["a\u001b[2J", "is a text of 5 characters (not shown)"],
])("of %j is said: %s", (value, said) => {
  expect(describeValue(value)).toBe(said);
});

test("names of files and keys are shown when they look like it", () => {
  expect(showFile("./secrets/contoso-client-secret.txt")).toBe('"./secrets/contoso-client-secret.txt"');
  expect(showFile("hQ8~cAnary.Value-7Zx_42abcdefghijklmnopq")).toBe("a file (name not shown)");
  expect(showPath(["tenants", "hQ8~cAnary", "mailboxes", 3])).toBe("tenants.(not shown).mailboxes[3]");
});
