import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { errorsDoc } from "./errors-doc.ts";

const file = new URL("../../docs/errors.md", import.meta.url);

test("docs/errors.md says what the code does; ERRORS_DOC=1 writes it", () => {
  if (process.env["ERRORS_DOC"] === "1") writeFileSync(file, errorsDoc());
  expect(readFileSync(file, "utf8")).toBe(errorsDoc());
});
