// Writes every file that is made from the code. The tests beside each say when one is stale.
import { writeFileSync } from "node:fs";
import { errorsDoc } from "../faults/errors-doc.ts";
import { cliReference } from "./cli-reference.ts";
import { configReference } from "./config-reference.ts";

const pages = { errors: errorsDoc, configuration: configReference, cli: cliReference };
for (const [name, write] of Object.entries(pages)) writeFileSync(new URL(`../../docs/${name}.md`, import.meta.url), write());

// Each of these writes as it is loaded.
const scripts = [
  "config/scripts/write-schema",
  "contract/scripts/write-schema",
  "sandbox/scripts/write-catalogue",
  "telemetry/scripts/write-deploy",
];
for (const script of scripts) await import(new URL(`../../packages/${script}.ts`, import.meta.url).href);
