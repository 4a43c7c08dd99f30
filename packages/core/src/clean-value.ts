/** Whether a text may not go out as it is: U+0000 and lone surrogates are no text to many readers (T31). */
function isDirty(text: string): boolean {
  return text.includes("\0") || !text.isWellFormed();
}

/** The same value without NUL and lone surrogates in its strings; a string, and a list of strings, itself when it has none. */
export function cleaned<T>(value: T): T {
  if (typeof value === "string") return (isDirty(value) ? value.toWellFormed().replaceAll("\0", "\uFFFD") : value) as T;
  if (Array.isArray(value)) {
    const members: readonly unknown[] = value;
    return (
      members.every((member) => typeof member === "string" && !isDirty(member)) ? value : members.map((member) => cleaned(member))
    ) as T;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, cleaned(member as unknown)])) as T;
}

/** What JSON makes of a NUL or of a lone surrogate; also of a text that spells one, which is rare and does no harm. */
const dirtyEscape = /\\u(?:0000|d[89a-f])/;

/** The value as JSON, {@link cleaned}. The text is searched, once, in place of each string in the value. */
export function cleanJson(value: object): string {
  const json = JSON.stringify(value);
  return json.includes("\\u") && dirtyEscape.test(json) ? JSON.stringify(cleaned(value)) : json;
}
