import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { safeFileName } from "./safe-file-name.ts";

test.each([
  ["report.pdf", "report.pdf"],
  ["Rechnung März.pdf", "Rechnung März.pdf"],
  ["../../etc/passwd", "_.._etc_passwd"],
  [String.raw`C:\Windows\System32\cmd.exe`, "C__Windows_System32_cmd.exe"],
  [".bashrc", "bashrc"],
  ["con.txt", "_con.txt"],
  ["nul .txt", "_nul .txt"],
  ["COM¹", "_COM¹"],
  ["conout$", "_conout$"],
  ["a\u0000b\u001b[31m.txt", "a_b_[31m.txt"],
  ["invoice\u202efdp.exe", "invoice_fdp.exe"],
  ["  spaces. ", "spaces"],
  ["...", "attachment"],
  [undefined, "attachment"],
])("%j becomes %j", (name, wanted) => {
  expect(safeFileName(name)).toBe(wanted);
});

test("a long name keeps its extension", () => {
  const name = safeFileName(`${"ü".repeat(500)}.docx`);
  expect(name.endsWith("ü.docx")).toBe(true);
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
});

test("whatever a sender writes stays one segment of its folder", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.string({ unit: fc.constantFrom(".", "/", "\\", " ", "a", "\u202e") }),
        // Long enough to be cut.
        fc
          .tuple(
            fc.constantFrom("con", "a", "ü"),
            fc.constantFrom(" ", ".", "a", "ü"),
            fc.integer({ min: 185, max: 210 }),
            fc.constantFrom("x", " x.txt", ".x"),
          )
          .map(([stem, filler, count, end]) => `${stem}${filler.repeat(count)}${end}`),
      ),
      (name) => {
        const safe = safeFileName(name);
        const full = path.join("/data", safe);
        expect(path.dirname(full)).toBe("/data");
        expect(path.basename(full)).toBe(safe);
        expect(safe).not.toMatch(/[\p{Cc}\p{Cf}/\\]|[.\s]$/u);
        expect(safeFileName(safe)).toBe(safe);
      },
    ),
  );
});
