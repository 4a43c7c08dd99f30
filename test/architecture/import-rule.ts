import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import path from "node:path";
import { readWorkspace, type WorkspacePackage } from "./workspace.ts";

/** Which tags a package of a tag may import. Only apps wire, and what two of them wire alike is a package of its own. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  engine: ["core"],
  adapter: ["core"],
  wiring: ["core", "engine", "adapter"],
  app: ["core", "engine", "adapter", "wiring"],
  testkit: ["core"],
};

/** Brought by the root for every test. */
const testLibraries = new Set(["vitest", "fast-check"]);

/**
 * The layers of docs/architecture.md over import statements and package.json: core imports nothing; engine and adapters import core; an app imports
 * no other app; tests may use testkit; whatever is imported is declared; nobody reaches into another package's files.
 * @returns one sentence for each violation
 */
export function findImportViolations(root: string): readonly string[] {
  const packages = readWorkspace(root);
  const byName = new Map(packages.map((one) => [one.manifest.name, one]));
  return packages.flatMap((one) => [
    ...declaredViolations(one, byName),
    ...one.files.flatMap((file) => fileViolations(root, one, file, byName)),
  ]);
}

function declaredViolations(one: WorkspacePackage, byName: ReadonlyMap<string, WorkspacePackage>): readonly string[] {
  return Object.keys(one.manifest.dependencies ?? {}).flatMap((name) => {
    const target = byName.get(name);
    if (target === undefined)
      return one.tag === "core" ? [`${one.dir}/package.json: core depends on ${name}, but core depends on nothing`] : [];
    return mayImport(one, target, false) ? [] : [`${one.dir}/package.json: ${one.tag} must not depend on ${target.tag} ${name}`];
  });
}

function fileViolations(
  root: string,
  one: WorkspacePackage,
  file: string,
  byName: ReadonlyMap<string, WorkspacePackage>,
): readonly string[] {
  const isTest = isTestFile(file);
  return importedBy(readFileSync(path.join(root, file), "utf8")).flatMap((specifier) => {
    if (specifier.startsWith(".")) {
      const target = path.posix.join(path.posix.dirname(file), specifier);
      return target.startsWith(`${one.dir}/`) ? [] : [`${file}: ${specifier} lies in another package; import it by name`];
    }
    if (isBuiltin(specifier)) {
      return one.tag === "core" && !isTest ? [`${file}: core imports nothing, not even ${specifier}`] : [];
    }
    const name = packageNameOf(specifier);
    if (isTest && testLibraries.has(name)) return [];
    const target = byName.get(name);
    if (target !== undefined && !mayImport(one, target, isTest || one.tag === "testkit")) {
      return [`${file}: ${one.tag} must not import ${target.tag} ${name}`];
    }
    return isDeclared(one, name, isTest || one.tag === "testkit") ? [] : [`${file}: ${name} is not declared in ${one.dir}/package.json`];
  });
}

function mayImport(from: WorkspacePackage, to: WorkspacePackage, isTest: boolean): boolean {
  if (from.dir === to.dir) return true;
  if (to.tag === "testkit") return isTest;
  return allowed[from.tag]?.includes(to.tag) ?? false;
}

function isDeclared(one: WorkspacePackage, name: string, isTest: boolean): boolean {
  const { dependencies = {}, devDependencies = {}, peerDependencies = {} } = one.manifest;
  return name === one.manifest.name || name in dependencies || name in peerDependencies || (isTest && name in devDependencies);
}

/** Tests, and what only tests use: `x-harness.ts`, `x.fixture.ts`, everything in a folder named `testing`. */
function isTestFile(file: string): boolean {
  return /\.test\.ts$|[-.](harness|fixture)\.ts$|\/testing\//.test(file);
}

function packageNameOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Static and dynamic imports and re-exports; comments are cut out first. */
function importedBy(source: string): readonly string[] {
  const code = source.replace(/\/\*[^]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const statements = code.matchAll(/^\s*(?:import|export)\s+(?:[^"';=()]+?\s+from\s+)?["']([^"'\n]+)["']/gm);
  const calls = code.matchAll(/\bimport\(\s*["']([^"'\n]+)["']\s*[,)]/g);
  return [...statements, ...calls].map((match) => match[1] ?? "");
}
