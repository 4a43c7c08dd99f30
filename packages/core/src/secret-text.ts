/**
 * The secret inside a file or an environment variable: what editors and `echo` put behind it is no part of it; a second line or a
 * control character never is one either.
 */
export function secretText(text: string): { readonly value: string } | { readonly problem: string } {
  const value = text.replace(/[\r\n]+$/, "");
  if (value.trim() === "") return { problem: "is empty" };
  return /[\u0000-\u001f\u007f]/.test(value) ? { problem: "has more than one line" } : { value };
}

/** More keys than anybody changes at once; a file of another kind has more lines. */
const mostKeys = 8;

/**
 * Keys of 32 bytes, one a line, as 64 hex digits or in base64 (with or without `=`, also the URL alphabet); the first one seals, all
 * open. Undefined for anything else.
 */
export function tokenKeyLines(text: string): readonly string[] | undefined {
  const lines = text.split(/\r?\n/).flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
  const isKey = (line: string): boolean => /^(?:[0-9a-f]{64}|[A-Za-z0-9+/_-]{43}=?)$/i.test(line);
  return lines.length > 0 && lines.length <= mostKeys && lines.every(isKey) ? lines : undefined;
}
