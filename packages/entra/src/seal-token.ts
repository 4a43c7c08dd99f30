import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { Secret } from "@mailfleet/core";

const format = "mf1";
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;

/** One key seals, all open: a new key is first added to every process, then put in front, then the old one is taken away (T06). */
export interface KeyRing {
  readonly sealing: TokenKey;
  readonly opening: ReadonlyMap<string, TokenKey>;
}

export interface TokenKey {
  /** 16 hex digits, derived from the key. */
  readonly id: string;
  /** base64 of 32 bytes. */
  readonly key: Secret;
}

/**
 * @param keys 32 bytes each; the first one seals.
 * @throws RangeError for an empty ring or a key of another length: a weak key is worse than none
 */
export function createKeyRing(keys: readonly Uint8Array[]): KeyRing {
  const all = keys.map((key, position) => {
    if (key.length !== keyBytes) throw new RangeError(`token key ${position + 1} has ${key.length} bytes, it must have ${keyBytes}`);
    const id = createHash("sha256").update("mailfleet.token-key/1").update(key).digest("hex").slice(0, 16);
    return { id, key: new Secret(Buffer.from(key).toString("base64")) };
  });
  const [sealing] = all;
  if (!sealing) throw new RangeError("the token key ring is empty");
  return { sealing, opening: new Map(all.map((key) => [key.id, key])) };
}

/** What is inside the ciphertext. Times are epoch ms. */
export interface TokenRecord {
  readonly token: Secret;
  readonly obtainedAt: number;
  readonly expiresAt: number;
  /** When the login service wants the token to be renewed. */
  readonly refreshOn?: number;
  /** Forced renewals in a row that led to this token, because a mail server had refused the one before. */
  readonly renewals: number;
}

/** `unknown-key`: another process seals with a key that this one does not have. `broken`: changed, cut, or of another identity. */
export type OpenResult = { readonly kind: "opened"; readonly record: TokenRecord } | { readonly kind: "unknown-key" | "broken" };

/**
 * AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D 8.2.2), as `mf1.<key id>.<base64url of nonce, ciphertext, tag>`.
 * Format, key id and identity are authenticated: a value moved to another tenant's key does not open (T05).
 */
export function sealToken(ring: KeyRing, identity: string, record: TokenRecord): string {
  const { id, key } = ring.sealing;
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", Buffer.from(key.reveal(), "base64"), nonce, { authTagLength: tagBytes });
  cipher.setAAD(boundTo(id, identity));
  const plain = JSON.stringify({
    t: record.token.reveal(),
    o: record.obtainedAt,
    e: record.expiresAt,
    ...(record.refreshOn !== undefined && { r: record.refreshOn }),
    n: record.renewals,
  });
  const sealed = Buffer.concat([nonce, cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return `${format}.${id}.${sealed.toString("base64url")}`;
}

/** Total: whatever the text is, the worst answer is `broken`. Whether the token is still good is the caller's question. */
export function openToken(ring: KeyRing, identity: string, text: string): OpenResult {
  const match = /^mf1\.([0-9a-f]{16})\.([A-Za-z0-9_-]{1,65536})$/.exec(text);
  const [, id = "", body = ""] = match ?? [];
  if (!match) return { kind: "broken" };
  const key = ring.opening.get(id);
  if (!key) return { kind: "unknown-key" };
  const bytes = Buffer.from(body, "base64url");
  // Base64 has several spellings of the same bytes; only the one that was written counts.
  if (bytes.length <= nonceBytes + tagBytes || bytes.toString("base64url") !== body) return { kind: "broken" };
  try {
    const nonce = bytes.subarray(0, nonceBytes);
    const decipher = createDecipheriv("aes-256-gcm", Buffer.from(key.key.reveal(), "base64"), nonce, { authTagLength: tagBytes });
    decipher.setAAD(boundTo(id, identity));
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    const plain = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString("utf8");
    const record = readRecord(JSON.parse(plain));
    return record ? { kind: "opened", record } : { kind: "broken" };
  } catch {
    return { kind: "broken" };
  }
}

function boundTo(keyId: string, identity: string): Buffer {
  return Buffer.from(`${format}\n${keyId}\n${identity}`, "utf8");
}

function readRecord(value: unknown): TokenRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { t, o, e, r, n } = value as Record<string, unknown>;
  if (typeof t !== "string" || t === "" || !isTime(o) || !isTime(e) || !isTime(n)) return undefined;
  if (r !== undefined && !isTime(r)) return undefined;
  return { token: new Secret(t), obtainedAt: o, expiresAt: e, ...(r !== undefined && { refreshOn: r }), renewals: n };
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
