import { readFileSync, writeFileSync } from "node:fs";
import { withCatalogue } from "../src/faults/catalogue-doc.ts";

const file = new URL("../../../docs/sandbox.md", import.meta.url);
writeFileSync(file, withCatalogue(readFileSync(file, "utf8")));
