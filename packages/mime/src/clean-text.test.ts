import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cleanLine, cleanName, cleanText, cleanToken, maxNameBytes } from "./clean-text.ts";

const anyText = fc.string({ unit: "binary", maxLength: 400 });
/** Every UTF-16 code unit, lone surrogates included. */
const anyUnits = fc.array(fc.nat(0xffff), { maxLength: 200 }).map((units) => String.fromCharCode(...units));

describe("cleaned text", () => {
  test("is well formed and free of NUL, whatever comes in", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, anyUnits), (text) => {
        for (const clean of [cleanText(text), cleanLine(text), cleanToken(text), cleanName(text) ?? ""]) {
          expect(clean.isWellFormed()).toBe(true);
          expect(clean).not.toContain("\0");
        }
      }),
    );
  });

  test("keeps ordinary text as it is, also beyond the BMP", () => {
    for (const text of ["Grüße 🎉", "a  b", "資料.pdf"]) {
      expect([cleanText(text), cleanLine(text), cleanToken(text), cleanName(text)]).toEqual([text, text, text, text]);
    }
  });

  test("lets no line end stay in a one-line field", () => {
    expect(cleanLine("Hello\r\nBcc: victim@example.com\0!")).toBe("Hello Bcc: victim@example.com !");
    expect(cleanToken("a\r\n@b.example\u0085")).toBe("a@b.example");
  });
});

describe("an attachment's name", () => {
  test.each([
    ["../../etc/passwd", "../../etc/passwd"],
    ["C:\\Windows\\x.dll", "C:\\Windows\\x.dll"],
    ["con\0.txt\r\n", "con.txt"],
    ["photo\u202Egnp.exe", "photognp.exe"],
    ["\u2066\u200F \t", undefined],
    ["", undefined],
  ])("%j is data, without characters that hide something: %j", (name, expected) => {
    expect(cleanName(name)).toBe(expected);
  });

  test("has at most 255 bytes and keeps a short extension", () => {
    const name = cleanName(`${"ä".repeat(4_000)}.docx`) ?? "";
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(maxNameBytes);
    expect(Buffer.byteLength(name)).toBeGreaterThan(maxNameBytes - 2);
    expect(name.endsWith("ä.docx")).toBe(true);
  });

  test("never exceeds 255 bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 80, maxLength: 600 }), (name) => {
        expect(Buffer.byteLength(cleanName(name) ?? "")).toBeLessThanOrEqual(maxNameBytes);
      }),
    );
  });
});
