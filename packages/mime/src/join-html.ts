/**
 * Puts the HTML parts of one message side by side without letting markup of one reach into the next (T28): an unfinished tag,
 * comment or raw text element at the end of a part would swallow what follows it. A part may be followed by another only when the
 * tokenizer of the HTML standard (section 13.2.5) is certainly in its data state at the part's end; in doubt it is not.
 */

/** Stands between two joined parts. It marks, it does not protect: a sender can write the same comment. */
export const htmlPartSeparator = "\n<!-- mailfleet:part -->\n";

export interface JoinedHtml {
  readonly html: string;
  /** Parts that must not be joined, in order; empty in all but hostile or broken mail. */
  readonly rest: readonly string[];
}

/** @param parts at least one */
export function joinHtml(parts: readonly string[]): JoinedHtml {
  const [first = ""] = parts;
  if (parts.length <= 1) return { html: first, rest: [] };
  let count = 1;
  while (count < parts.length && endsInData(parts[count - 1] as string)) count++;
  return { html: parts.slice(0, count).join(htmlPartSeparator), rest: parts.slice(count) };
}

/**
 * Elements whose content is not read as tags. `plaintext` has no end at all, `svg` and `math` switch to other rules,
 * `noscript` is read in two ways.
 */
const rawElements = new Set(["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"]);
const refusedElements = new Set(["plaintext", "svg", "math", "noscript"]);

const [greater, slash, equals, doubleQuote, singleQuote] = [0x3e, 0x2f, 0x3d, 0x22, 0x27];

/** True only when a new tag right behind `html` would surely be read as a tag of its own. Linear time. */
export function endsInData(html: string): boolean {
  let at = html.indexOf("<");
  while (at >= 0) {
    const end = html.startsWith("<!--", at) ? afterComment(html, at) : afterTag(html, at);
    if (end < 0) return false;
    at = html.indexOf("<", end);
  }
  return true;
}

/** Comments that other parsers may end elsewhere count as unfinished. */
function afterComment(html: string, at: number): number {
  const start = at + 4;
  if (html.startsWith(">", start) || html.startsWith("->", start)) return -1;
  const end = html.indexOf("-->", start);
  if (end < 0) return -1;
  return html.slice(start, end).includes("--!") ? -1 : end + 3;
}

function afterTag(html: string, at: number): number {
  const isEnd = html[at + 1] === "/";
  const nameAt = isEnd ? at + 2 : at + 1;
  if (!isLetter(html.charCodeAt(nameAt))) {
    // `<!doctype ...>`, `<?...>` and `</1...>` are bogus comments up to the next `>`; any other `<` is text, unless it is the last byte
    const opener = html[at + 1];
    if (opener === undefined) return -1;
    if (opener !== "!" && opener !== "?" && opener !== "/") return at + 1;
    const end = html.indexOf(">", at);
    return end < 0 || html.startsWith("<![CDATA[", at) ? -1 : end + 1;
  }
  let nameEnd = nameAt;
  while (nameEnd < html.length && !isNameEnd(html.charCodeAt(nameEnd))) nameEnd++;
  const name = html.slice(nameAt, nameEnd).toLowerCase();
  const end = afterAttributes(html, nameEnd);
  if (end < 0 || refusedElements.has(name)) return -1;
  return rawElements.has(name) && !isEnd ? afterRawText(html, end, name) : end;
}

/** The attribute states of the standard (13.2.5.32 to 40): a quote opens a value only where a value may begin. */
function afterAttributes(html: string, from: number): number {
  let state: "before-name" | "name" | "after-name" | "before-value" | "value" = "before-name";
  for (let at = from; at < html.length; at++) {
    const char = html.charCodeAt(at);
    if (char === greater) return at + 1;
    if (isSpace(char)) {
      if (state === "name") state = "after-name";
      else if (state === "value") state = "before-name";
    } else if (state === "before-value") {
      if (char === doubleQuote || char === singleQuote) {
        at = html.indexOf(char === doubleQuote ? '"' : "'", at + 1);
        if (at < 0) return -1;
        state = "before-name";
      } else state = "value";
    } else if (state !== "value") {
      if (char === slash) state = "before-name";
      else if (char === equals && state !== "before-name") state = "before-value";
      else state = "name";
    }
  }
  return -1;
}

function afterRawText(html: string, from: number, name: string): number {
  const close = new RegExp(`</${name}(?=[\\t\\n\\f\\r />])`, "gi");
  close.lastIndex = from;
  const match = close.exec(html);
  if (!match) return -1;
  // `<!--` in a script can hide its end tag
  if (html.slice(from, match.index).includes("<!--") && name === "script") return -1;
  return afterAttributes(html, match.index + 2 + name.length);
}

function isLetter(char: number): boolean {
  return (char >= 0x41 && char <= 0x5a) || (char >= 0x61 && char <= 0x7a);
}

function isSpace(char: number): boolean {
  return char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09 || char === 0x0c;
}

function isNameEnd(char: number): boolean {
  return isSpace(char) || char === slash || char === greater;
}
