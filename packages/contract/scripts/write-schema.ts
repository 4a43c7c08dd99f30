// Writes schema/mailfleet.event-1.schema.json anew: `npm run schema -w @mailfleet/contract`, then `npx oxfmt packages/contract`.
import { writeFileSync } from "node:fs";
import { eventJsonSchema } from "../src/index.ts";

writeFileSync(new URL("../schema/mailfleet.event-1.schema.json", import.meta.url), `${JSON.stringify(eventJsonSchema(), undefined, 2)}\n`);
