import { parseSync, Visitor } from "rolldown/utils";

/** Of UTF-16: one half of a pair is written like any other. */
const beyond = /[^\0-\x7f]/g;
const escapedBeyond = /(?<!\\)(?:\\\\)*\\[^\0-\x7f]/;

/**
 * V8 keeps a source as two bytes for each character if one of them is beyond Latin-1, for as long as the program runs, and Node makes UTF-8 of it
 * again at each start, to know it by. Tables of charsets and words in all languages make that of half of what is built.
 * @returns a plugin for rolldown that writes such characters as escapes
 */
export function asciiOnly() {
  return {
    name: "ascii-only",
    // The last hook: whatever is printed after an earlier one has the characters back.
    generateBundle(_options, bundle) {
      for (const chunk of Object.values(bundle)) chunk.code = toAscii(chunk.code, chunk.fileName);
    },
  };
}

/** @throws Error where an escape would mean something else */
export function toAscii(code, file) {
  if (code.search(beyond) === -1) return code;
  if (escapedBeyond.test(code)) throw new Error(`${file}: a backslash stands before a character that is to be escaped`);
  const visitor = new Visitor({
    TaggedTemplateExpression({ quasi }) {
      // A tag may look at the text as it stands.
      if (quasi.quasis.some(({ value }) => value.raw.search(beyond) !== -1)) throw new Error(`${file}: a tagged template is not ASCII`);
    },
  });
  const { program, errors } = parseSync(file, code, { sourceType: "module" });
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join("; ")}`);
  visitor.visit(program);
  return code.replace(beyond, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
