import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { withCatalogue } from "./catalogue-doc.ts";

it("docs/sandbox.md has every fault; node packages/sandbox/scripts/write-catalogue.ts writes it", () => {
  const page = readFileSync(new URL("../../../../docs/sandbox.md", import.meta.url), "utf8");
  expect(page).toBe(withCatalogue(page));
});
