/**
 * The secret inside a file or an environment variable: what editors and `echo` put behind it is no part of it; a second line or a
 * control character never is one either.
 */
export function secretText(text: string): { readonly value: string } | { readonly problem: string } {
  const value = text.replace(/[\r\n]+$/, "");
  if (value.trim() === "") return { problem: "is empty" };
  return /[\u0000-\u001f\u007f]/.test(value) ? { problem: "has more than one line" } : { value };
}
