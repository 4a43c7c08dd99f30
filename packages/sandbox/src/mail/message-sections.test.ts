import { describe, expect, test } from "vitest";
import { parseFetchItems } from "../imap/commands/fetch-items.ts";
import { cutSection, headerValue, parseSection } from "./message-sections.ts";

const message = Buffer.from("Subject: one\r\n two\r\nFrom: a@x\r\nX-Odd\r\n\r\nbody\r\n\r\nmore");

function cut(section: string, from = message): string | undefined {
  const parsed = parseSection(section);
  return parsed && cutSection(from, parsed).toString("latin1");
}

describe("sections of a message", () => {
  test.each([
    ["", message.toString()],
    ["HEADER", "Subject: one\r\n two\r\nFrom: a@x\r\nX-Odd\r\n\r\n"],
    ["TEXT", "body\r\n\r\nmore"],
    ["HEADER.FIELDS (subject)", "Subject: one\r\n two\r\n\r\n"],
    ["HEADER.FIELDS (Date)", "\r\n"],
    ["HEADER.FIELDS.NOT (SUBJECT)", "From: a@x\r\nX-Odd\r\n\r\n"],
  ])("BODY[%s]", (section, expected) => {
    expect(cut(section)).toBe(expected);
  });

  test.each(["1", "1.MIME", "HEADER.FIELDS", "HEADER.FIELDS ()", "BODY"])("BODY[%s] is not served", (section) => {
    expect(cut(section)).toBeUndefined();
  });

  test("a message without an empty line is all header, one that starts with it has none", () => {
    expect(cut("TEXT", Buffer.from("no header end"))).toBe("");
    expect(cut("TEXT", Buffer.from("\r\nonly body"))).toBe("only body");
    expect(cut("HEADER", Buffer.alloc(0))).toBe("");
  });

  test("a header's value is unfolded", () => {
    expect(headerValue(message, "subject")).toBe("one two");
    expect(headerValue(message, "to")).toBeUndefined();
  });
});

describe("FETCH items", () => {
  const atoms = (...texts: string[]) => [{ kind: "list" as const, items: texts.map((text) => ({ kind: "atom" as const, text })) }];

  test("a partial tells its start in the answer's label", () => {
    expect(parseFetchItems(atoms("BODY.PEEK[]<5.100>"))).toEqual([
      { kind: "body", label: "BODY[]<5>", section: { kind: "all", fields: [] }, isPeek: true, partial: { start: 5, length: 100 } },
    ]);
  });

  test.each(["ENVELOPE", "BODYSTRUCTURE", "BODY", "BODY[]<5>", "BODY[]<5.0>", "BODY]x[", "X-GM-LABELS"])("%s is not served", (item) => {
    expect(parseFetchItems(atoms(item))).toBeUndefined();
  });

  test("an empty list is refused", () => {
    expect(parseFetchItems(atoms())).toBeUndefined();
  });
});
