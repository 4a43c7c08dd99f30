// Makes `dist`, a package that can be published as it is: JavaScript, types, the contract's JSON Schema, README and licence.
//   npm run build -w @mailfleet/consumer && npm publish packages/consumer/dist
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const out = path.resolve(process.argv[2] ?? path.join(root, "dist"));
rmSync(out, { recursive: true, force: true });
const tsc = createRequire(import.meta.url)
  .resolve("typescript/package.json")
  .replace(/package\.json$/, "bin/tsc");
execFileSync(process.execPath, [tsc, "-p", path.join(root, "tsconfig.build.json"), "--outDir", out], { stdio: "inherit" });

const { name, version, description, license, type, dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
  readFileSync(path.join(root, "package.json"), "utf8"),
) as Record<string, unknown>;
const manifest = {
  name,
  version,
  description,
  license,
  type,
  keywords: ["microsoft 365", "exchange online", "imap", "pop3", "email", "bullmq", "mailfleet"],
  exports: { ".": { types: "./index.d.ts", default: "./index.js" }, "./schema": "./mailfleet.event-1.schema.json" },
  engines: { node: ">=22" },
  dependencies,
  peerDependencies,
  peerDependenciesMeta,
};
writeFileSync(path.join(out, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
copyFileSync(path.join(root, "../contract/schema/mailfleet.event-1.schema.json"), path.join(out, "mailfleet.event-1.schema.json"));
copyFileSync(path.join(root, "README.md"), path.join(out, "README.md"));
copyFileSync(path.join(root, "../../LICENSE"), path.join(out, "LICENSE"));
