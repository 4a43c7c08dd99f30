/**
 * Cleaning of decoded header text and names, so that no consumer meets a string that its language or database refuses (T29, T31, T32).
 * The first test of each function is the common case: printable text passes unchanged and uncopied.
 */

// oxlint-disable-next-line no-control-regex -- control characters are what this file is about
const lineBreaking = /[\t\r\n\0]/;
// oxlint-disable-next-line no-control-regex
const lineBreakingRun = / *[\t\r\n\0][\t\r\n\0 ]*/g;
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f-\u009f]/;
// oxlint-disable-next-line no-control-regex
const controlAll = /[\u0000-\u001f\u007f-\u009f]+/g;
/** C0, DEL, C1, and every character that turns the direction of the text around it (UAX 9). */
// oxlint-disable-next-line no-control-regex
const nameHazards = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text of any length: lone surrogates and NUL become U+FFFD. */
export function cleanText(text: string): string {
  const wellFormed = text.toWellFormed();
  return wellFormed.includes("\0") ? wellFormed.replaceAll("\0", "\uFFFD") : wellFormed;
}

/** A field of one line: a run of CR, LF and NUL (an encoded word can carry them) and tabs (of folding) becomes one space; trimmed. */
export function cleanLine(text: string): string {
  const line = lineBreaking.test(text) ? text.replace(lineBreakingRun, " ") : text;
  return line.toWellFormed().trim();
}

/** A field that has no use for any control character, such as an addr-spec or a message id. */
export function cleanToken(text: string): string {
  const token = control.test(text) ? text.replace(controlAll, "") : text;
  return token.toWellFormed().trim();
}

/** The longest attachment name, in UTF-8 bytes: what most file systems take. */
export const maxNameBytes = 255;

/**
 * An attachment's name as data (never a path): without control and direction characters, at most 255 UTF-8 bytes, a short
 * extension kept when the stem is cut. Undefined when nothing is left.
 */
export function cleanName(name: string): string | undefined {
  const clean = name.replace(nameHazards, "").toWellFormed().trim();
  if (clean === "") return undefined;
  if (clean.length * 3 <= maxNameBytes || Buffer.byteLength(clean) <= maxNameBytes) return clean;
  const dot = clean.lastIndexOf(".");
  const extension = dot > 0 && clean.length - dot <= 16 ? clean.slice(dot) : "";
  const stem = extension === "" ? clean : clean.slice(0, dot);
  return cutToBytes(stem, maxNameBytes - Buffer.byteLength(extension)) + extension;
}

function cutToBytes(text: string, bytes: number): string {
  let used = 0;
  let end = 0;
  for (const char of text) {
    used += Buffer.byteLength(char);
    if (used > bytes) break;
    end += char.length;
  }
  return text.slice(0, end);
}
