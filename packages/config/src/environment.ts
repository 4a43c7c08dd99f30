import { z } from "zod";
import type { Path } from "./yaml-source.ts";
import { childSchema, knownKeys, unwrapped } from "./schema.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables by which Azure says where a managed identity gets its tokens. */
export const identityVariables = ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_POD_IDENTITY_AUTHORITY_HOST"] as const;

/** One value that the environment may give. */
export interface EnvironmentLeaf {
  /** Such as `MAILFLEET_SYNC_POLL_SECONDS`. */
  readonly name: string;
  readonly path: Path;
  readonly schema: z.core.$ZodType;
}

/**
 * Every scalar of the schema that has a path of its own: not in `tenants`, whose aliases are the file's. Of the lists those that name
 * hosts, separated by commas.
 */
export function environmentLeaves(schema: z.core.$ZodType, path: Path = []): EnvironmentLeaf[] {
  return knownKeys(schema).flatMap((key) => {
    const child = childSchema(schema, key) as z.core.$ZodType;
    const inner = unwrapped(child);
    const childPath = [...path, key];
    if (inner instanceof z.ZodObject) return environmentLeaves(inner, childPath);
    if (inner instanceof z.ZodRecord || (inner instanceof z.ZodArray && !isHostList(childPath))) return [];
    return [{ name: environmentName(childPath), path: childPath, schema: inner }];
  });
}

function isHostList([block, key]: Path): boolean {
  return block === "redis" || (block === "console" && (key === "hosts" || key === "trustedProxies"));
}

/** sync.pollSeconds -> MAILFLEET_SYNC_POLL_SECONDS */
export function environmentName(path: Path): string {
  return ["mailfleet", ...path.map(String)].map((part) => part.replace(/[A-Z]/g, "_$&").toUpperCase()).join("_");
}

/** A variable's text as the value its place takes; a text that can't be one stays a text, for the schema to refuse. */
export function environmentValue(schema: z.core.$ZodType, text: string): unknown {
  const trimmed = text.trim();
  if (schema instanceof z.ZodArray) return trimmed.split(/[\s,]+/);
  if (schema instanceof z.ZodNumber && /^-?\d{1,15}(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (schema instanceof z.ZodBoolean && /^(true|1|yes|on)$/i.test(trimmed)) return true;
  if (schema instanceof z.ZodBoolean && /^(false|0|no|off)$/i.test(trimmed)) return false;
  return text;
}
