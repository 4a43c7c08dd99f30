import { z } from "zod";
import { nearestName } from "./nearest.ts";
import type { Reading } from "./reading.ts";
import { childSchema, fileSchema, knownKeys, requiredKeys, unwrapped, type FileConfig } from "./schema.ts";
import { describeValue, showName } from "./show.ts";
import type { Path } from "./yaml-source.ts";

type Tree = Record<string, unknown>;

/**
 * Reports everything that does not fit the schema, takes it out of `tree`, and gives what is left: well-typed, with holes where
 * something was wrong or missing. So one mistake never hides another.
 */
export function checkShape(reading: Reading, tree: Tree): FileConfig {
  dropEmpty(tree, fileSchema);
  const checked = fileSchema.safeParse(tree);
  const misspelt = new Set<string>();
  for (const issue of checked.error?.issues ?? []) {
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) reportUnknownKey(reading, tree, issue.path, key, misspelt);
      continue;
    }
    const value = valueAt(tree, issue.path);
    const isMap = unwrapped(schemaAt(issue.path)) instanceof z.ZodObject;
    // A text where a map belongs may be a secret that was pasted one level too high.
    const found = isMap && typeof value === "string" ? "is a text (not shown)" : describeValue(value);
    if (!reading.hasProblem(issue.path)) reading.report(issue.path, found, issue.message);
    if (isMap && typeof value === "string") reading.hide(value);
  }
  reportMissing(reading, tree, fileSchema, [], misspelt);
  for (const issue of checked.error?.issues ?? []) {
    if (issue.code === "unrecognized_keys") for (const key of issue.keys) removeAt(tree, [...issue.path, key]);
    else removeAt(tree, issue.path);
  }
  const rest = fileSchema.safeParse(tree);
  if (!rest.success) throw new Error("a configuration without its mistakes must fit the schema");
  return rest.data;
}

/** `sync:` with nothing behind it is as good as absent. */
function dropEmpty(tree: Tree, schema: z.core.$ZodType): void {
  for (const [key, value] of Object.entries(tree)) {
    const child = childSchema(schema, key);
    if (child === undefined) continue;
    if (value === null) delete tree[key];
    else if (isTree(value)) dropEmpty(value, child);
  }
}

function reportUnknownKey(reading: Reading, tree: Tree, path: Path, key: string, misspelt: Set<string>): void {
  const known = knownKeys(schemaAt(path));
  const value = valueAt(tree, [...path, key]);
  const meant = nearestName(key, known);
  if (looksSecret(key) && meant === undefined && (typeof value === "string" || typeof value === "number")) {
    reading.hide(String(value));
    const stem = known.find((name) => name.endsWith("Env"))?.replace(/Env$/, "");
    const expected =
      stem === undefined ? "expected a file or variable named where the documentation says" : `expected ${stem}File or ${stem}Env`;
    reading.report([...path, key], "is a secret in the file (not shown)", expected);
    return;
  }
  if (meant !== undefined) misspelt.add(JSON.stringify([...path, meant]));
  const names = known.length <= 8 ? `expected ${known.join(", ")}` : `expected one of ${known.slice(0, 8).join(", ")} and more`;
  reading.report([...path, key], "is not known", meant === undefined ? names : `did you mean ${showName(meant)}?`);
}

function looksSecret(key: string): boolean {
  return /secret|passw|pwd|token|api_?key|private_?key|assertion|credential/i.test(key) || /^(key|pass|auth)$/i.test(key);
}

function reportMissing(reading: Reading, value: unknown, schema: z.core.$ZodType, path: Path, misspelt: ReadonlySet<string>): void {
  if (!isTree(value)) return;
  for (const key of requiredKeys(unwrapped(schema))) {
    const keyPath = [...path, key];
    // Without a file there is nothing to miss tenants in; a misspelt key is reported once.
    if (Object.hasOwn(value, key) || misspelt.has(JSON.stringify(keyPath))) continue;
    const child = unwrapped(childSchema(schema, key) as z.core.$ZodType);
    const [issue] = z.safeParse(child, undefined).error?.issues ?? [];
    reading.report(keyPath, "is missing", issue?.message ?? "expected a value");
  }
  for (const [key, child] of Object.entries(value)) {
    const childType = childSchema(schema, key);
    if (childType !== undefined) reportMissing(reading, child, childType, [...path, key], misspelt);
  }
}

function schemaAt(path: Path): z.core.$ZodType {
  let schema: z.core.$ZodType = fileSchema;
  for (const part of path) schema = childSchema(schema, part) ?? z.unknown();
  return schema;
}

function valueAt(tree: unknown, path: Path): unknown {
  let value = tree;
  for (const part of path) {
    if (Array.isArray(value)) value = value[Number(part)];
    else if (isTree(value) && Object.hasOwn(value, part)) value = value[String(part)];
    else return undefined;
  }
  return value;
}

/** Takes a value out; of a list all of it, because what is left of a list means something else. */
function removeAt(tree: Tree, path: Path): void {
  const parent = valueAt(tree, path.slice(0, -1));
  const last = path.at(-1);
  if (Array.isArray(parent)) removeAt(tree, path.slice(0, -1));
  else if (isTree(parent) && last !== undefined) delete parent[String(last)];
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
