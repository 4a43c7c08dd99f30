import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

export const repository = path.resolve(import.meta.dirname, "..", "..");

export interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface WorkspacePackage {
  readonly manifest: Manifest;
  /** Relative to the root, with forward slashes. */
  readonly dir: string;
  /** From its turbo.json: core, engine, adapter, wiring, app or testkit. */
  readonly tag: string;
  /** Every .ts file under src, relative to the root. */
  readonly files: readonly string[];
}

/** The packages of the workspace at `root`. */
export function readWorkspace(root: string): readonly WorkspacePackage[] {
  return ["apps", "packages"].flatMap((group) =>
    readdirSync(path.join(root, group), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => readPackage(root, `${group}/${entry.name}`)),
  );
}

function readPackage(root: string, dir: string): WorkspacePackage {
  const { tags = [] } = readJson(path.join(root, dir, "turbo.json")) as { tags?: readonly string[] };
  if (tags.length !== 1) throw new Error(`${dir}/turbo.json must have exactly one tag`);
  return {
    manifest: readJson(path.join(root, dir, "package.json")) as Manifest,
    dir,
    tag: tags[0] ?? "",
    files: typescriptFiles(root, `${dir}/src`),
  };
}

export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}

function typescriptFiles(root: string, dir: string): readonly string[] {
  if (!existsSync(path.join(root, dir))) return [];
  return readdirSync(path.join(root, dir), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"));
}
