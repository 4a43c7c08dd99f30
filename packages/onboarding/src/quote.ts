/**
 * The one way by which text from outside gets into a script (T57). PowerShell takes four typographic marks for single quotes as well, and
 * reads any two of them in a string as one: each is doubled by itself.
 *
 * @throws RangeError for control characters, line and paragraph separators, directions and lone surrogates: no name needs them
 */
export function psString(text: string): string {
  if (hasControls(text)) throw new RangeError("a text with control characters does not go into a script");
  return `'${text.replace(/['\u2018\u2019\u201a\u201b]/g, "$&$&")}'`;
}

export function hasControls(text: string): boolean {
  return /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(text);
}

/** A value inside an OData filter, which has quotes of its own. */
export function odataString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
