import { writeFileSync } from "node:fs";
import { configJsonSchema } from "../src/schema.ts";

const file = new URL("../schema/mailfleet.config.schema.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
