/**
 * What a message may quote of a configuration (T04). People paste secrets into wrong places, so a value is shown only when it
 * is too short or too plain to be one.
 */

/** `is "contoso"`, `is missing`, `is a list`, `is a text of 40 characters (not shown)`. */
export function describeValue(value: unknown): string {
  if (value === undefined) return "is missing";
  if (value === null || value === "") return "is empty";
  if (Array.isArray(value)) return "is a list";
  if (typeof value === "object") return "is a map";
  if (typeof value === "number" && String(value).length > maxShown) return "is a number (not shown)";
  if (typeof value === "number" || typeof value === "boolean") return `is ${value}`;
  if (typeof value !== "string") return "is something else";
  return isShowable(value) ? `is ${JSON.stringify(value)}` : `is a text of ${value.length} characters (not shown)`;
}

/** `tenants.contoso.tenantId`, `mailboxes[3]`; what may be a secret becomes `(not shown)`. */
export function showPath(path: readonly PropertyKey[]): string {
  let out = "";
  for (const part of path) {
    if (typeof part === "number") out += `[${part}]`;
    else out += `${out === "" ? "" : "."}${showName(String(part))}`;
  }
  return out;
}

export function showName(name: string): string {
  return isShowable(name) && name !== "" ? name : "(not shown)";
}

/** A file's name as written, when it looks like one: a secret pasted in its place does not. */
export function showFile(name: string): string {
  return isShowable(name) || (/^(\.{0,2}\/|[A-Za-z]:\\)/.test(name) && isPlain(name)) ? JSON.stringify(name) : "a file (name not shown)";
}

/** A longest value that no client secret (40 characters), token or key (32 bytes) fits into. */
const maxShown = 24;

function isShowable(text: string): boolean {
  if (!isPlain(text)) return false;
  if (text.length <= maxShown) return !text.includes("~");
  // Ids in the wrong place or a digit short.
  return /^[0-9a-f]{1,12}(-[0-9a-f]{1,12}){2,5}$/i.test(text);
}

function isPlain(text: string): boolean {
  return /^[\p{L}\p{N} ._@:/\\+*=~-]*$/u.test(text) && !/:\/\/[^/]*@/.test(text);
}
