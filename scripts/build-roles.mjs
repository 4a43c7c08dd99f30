// node scripts/build-roles.mjs OUT: each program in one file, and what several of them need in files beside it. A start reads some 20 to 50 files in place
// of 700 to 1,000. OUT is a folder of the checkout, whose other files have to stay where they are: docs/decisions/0049-programs-of-few-files.md.
import { existsSync, readdirSync } from "node:fs";
import { isBuiltin } from "node:module";
import path from "node:path";
import { rolldown } from "rolldown";
import { asciiOnly } from "./lib/ascii-only.mjs";
import { leftOut } from "./lib/left-out.mjs";
import { plainHttp } from "./lib/plain-http.mjs";
import { root } from "./lib/processes.mjs";
import { commonJsNamesIn, sourcePlaces } from "./lib/source-places.mjs";

/** By the name of the file that comes of it. */
const programs = {
  mailfleet: "apps/cli/src/main.ts",
  producer: "apps/producer/src/main.ts",
  worker: "apps/worker/src/main.ts",
  console: "apps/console/src/main.ts",
  sandbox: "packages/sandbox/src/main.ts",
  // A thread of workers.
  "parse-task": "packages/mime/src/parse-task.ts",
};
/** Read from node_modules as before. */
const external = [
  // Its threads' own file, and our task in it, have to mean the same symbols.
  "piscina",
  // Loads binary code, which is found by where its files lie.
  "msgpackr",
  // What it needs writes to names that nobody declared, which a module may not.
  "prom-client",
  // Only where a bucket, traces, a login or the queues' own pages are asked for.
  "@aws-sdk/client-s3",
  "@opentelemetry/api",
  "@opentelemetry/exporter-trace-otlp-http",
  "@opentelemetry/resources",
  "@opentelemetry/sdk-trace",
  "@bull-board/api",
  "@bull-board/api/bullMQAdapter",
  "@bull-board/fastify",
  "openid-client",
];

const [given] = process.argv.slice(2);
if (given === undefined) fail("Usage: node scripts/build-roles.mjs OUT", 2);
const out = path.resolve(given);
if (!out.startsWith(root + path.sep)) fail(`${out} lies outside of ${root}: libraries would not be found from there.`, 2);
if (existsSync(out) && readdirSync(out).some((name) => !name.endsWith(".mjs"))) fail(`${out} holds other things than programs.`, 2);

const entries = new Map(Object.entries(programs).map(([name, file]) => [path.join(root, file), `${name}.mjs`]));
const build = await rolldown({
  cwd: root,
  platform: "node",
  input: programs,
  // As Node takes types out: nothing but types is left out, whatever a tsconfig.json says.
  tsconfig: false,
  transform: { typescript: { onlyRemoveTypeImports: true } },
  // Whatever a source does when it is read, it does here too.
  treeshake: false,
  plugins: [sourcePlaces({ out, entries }), leftOut(external, out), plainHttp(), asciiOnly()],
  // Libraries ask for others that are optional; what must be there is looked at below.
  logLevel: "silent",
});
const { output } = await build.write({
  dir: out,
  cleanDir: true,
  format: "esm",
  // All in one folder: how the sources are reached from there depends on it.
  entryFileNames: "[name].mjs",
  chunkFileNames: "[name]-[hash].mjs",
  // Logs show names of errors; two modules may have given the same one.
  keepNames: true,
});
await build.close();

const isBuilt = new Set(output.map(({ fileName }) => fileName));
const problems = output.flatMap(({ fileName, code, imports, dynamicImports }) => [
  ...[...imports, ...dynamicImports]
    .filter((name) => !isBuilt.has(name) && !isBuiltin(name) && !external.includes(name))
    .map((name) => `${fileName} imports ${name}, which is neither built nor left out`),
  ...commonJsNamesIn(code, fileName).map((name) => `${fileName} has ${name}, which no module has`),
]);
if (problems.length > 0) fail(problems.join("\n"), 1);

function fail(words, code) {
  process.stderr.write(`${words}\n`);
  process.exit(code);
}
