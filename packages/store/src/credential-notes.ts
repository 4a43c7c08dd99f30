import type { Redis } from "ioredis";
import type { CredentialNote, CredentialNotes, RedisKeys } from "@mailfleet/core";

/** One hash for all tenants: about 250 bytes a credential. */
export function createCredentialNotes(redis: Redis, keys: RedisKeys): CredentialNotes {
  return {
    async read() {
      const rows = await redis.hvals(keys.credentials);
      return rows.flatMap((row) => parseNote(row) ?? []);
    },
    async write(note) {
      await redis.hset(keys.credentials, `${note.role} ${note.tenant}`, JSON.stringify(note));
    },
  };
}

/** Undefined for what no version of ours wrote. */
function parseNote(text: string): CredentialNote | undefined {
  try {
    const note = JSON.parse(text) as Partial<Record<keyof CredentialNote, unknown>>;
    const { tenant, role, identity, at, ok, code, text: words } = note;
    if (typeof tenant !== "string" || (role !== "current" && role !== "next") || typeof identity !== "string") return undefined;
    if (typeof at !== "number" || typeof ok !== "boolean") return undefined;
    const why = { ...(typeof code === "string" && { code }), ...(typeof words === "string" && { text: words }) };
    return { tenant, role, identity, at, ok, ...why };
  } catch {
    return undefined;
  }
}
