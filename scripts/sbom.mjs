// npm run --silent sbom [-- APP...] > sbom.cdx.json: what is installed of other people, as CycloneDX. APP is producer, worker, console or cli;
// without one it is about all four. Reads manifests and lock alone: no network, and nothing has to be installed.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { run } from "./lib/npm-json.mjs";
import { root } from "./lib/processes.mjs";
import { sbomOf } from "./lib/sbom.mjs";

const folders = ["apps", "packages", "bench"].flatMap((group) =>
  group === "bench" ? [group] : readdirSync(path.join(root, group)).map((name) => path.join(group, name)),
);
const manifests = folders.map((folder) => JSON.parse(readFileSync(path.join(root, folder, "package.json"), "utf8")));
const known = new Map(folders.map((folder, i) => [folder, manifests[i].name]));
const apps = (process.argv.length > 2 ? process.argv.slice(2) : ["producer", "worker", "console", "cli"]).map((app) => {
  const name = known.get(path.join("apps", app));
  if (name === undefined) {
    console.error(`There is no app ${app}: producer, worker, console or cli.`);
    process.exit(2);
  }
  return name;
});
const { code, json, text } = await run(["sbom", "--package-lock-only", "--sbom-format", "cyclonedx", "--sbom-type", "application"]);
if (code !== 0 || json === undefined) {
  console.error(`npm sbom failed (${code}):\n${text}`);
  process.exit(1);
}
console.log(JSON.stringify(sbomOf(json, manifests, apps, "mailfleet"), undefined, 2));
