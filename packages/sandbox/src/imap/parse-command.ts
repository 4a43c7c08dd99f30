import type { RawCommand } from "./command-reader.ts";

export type Token =
  | { readonly kind: "atom"; readonly text: string }
  | { readonly kind: "string"; readonly bytes: Buffer; readonly literal: boolean }
  | { readonly kind: "list"; readonly items: readonly Token[] };

export interface Command {
  readonly tag: string;
  /** Upper case; `UID FETCH` and the like are one verb. */
  readonly verb: string;
  readonly args: readonly Token[];
}

/** What Exchange answers, with the tag that could be read. `text` is the whole text behind BAD. */
export interface ParseRefusal {
  readonly tag: string;
  readonly text: "Command Error. 11" | "Command Error. 12" | "Command Argument Error. 11" | "Command Argument Error. 12";
}

export type ParseOutcome = { readonly command: Command } | { readonly refusal: ParseRefusal };

/** Lists within lists; a FETCH or SEARCH needs three. */
const maxDepth = 16;
const uidVerbs = new Set(["FETCH", "SEARCH", "STORE", "COPY", "MOVE", "EXPUNGE"]);

/** Splits a raw command into tag, verb and argument tokens (RFC 9051 section 9), leniently inside atoms, as Exchange does. */
export function parseCommand(raw: RawCommand): ParseOutcome {
  const first = raw.texts[0] ?? "";
  const tagEnd = first.indexOf(" ");
  const tag = tagEnd < 0 ? first : first.slice(0, tagEnd);
  if (tag === "" || tagEnd < 0 || !isTag(tag)) return { refusal: { tag: tag !== "" && isTag(tag) ? tag : "*", text: "Command Error. 12" } };
  if (raw.texts.some(hasEightBit)) return { refusal: { tag, text: "Command Error. 11" } };
  const verbEnd = wordEnd(first, tagEnd + 1);
  let verb = first.slice(tagEnd + 1, verbEnd).toUpperCase();
  let at = verbEnd;
  if (verb === "UID") {
    const end = wordEnd(first, at + 1);
    const second = first.slice(at + 1, end).toUpperCase();
    if (!uidVerbs.has(second)) return { refusal: { tag, text: "Command Error. 12" } };
    verb = `UID ${second}`;
    at = end;
  }
  if (verb === "" || !/^[A-Z][A-Z0-9 -]*$/.test(verb)) return { refusal: { tag, text: "Command Error. 12" } };
  const cursor = new TokenCursor(raw, at);
  const args = cursor.readAll();
  if (!args) return { refusal: { tag, text: "Command Argument Error. 11" } };
  return { command: { tag, verb, args } };
}

function isTag(text: string): boolean {
  return text.length <= 64 && /^[A-Za-z0-9._:#$&'/;<=>?@^`|~!,-]+$/.test(text);
}

function hasEightBit(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7e || text.charCodeAt(i) === 0) return true;
  return false;
}

function wordEnd(text: string, from: number): number {
  const space = text.indexOf(" ", from);
  return space < 0 ? text.length : space;
}

class TokenCursor {
  readonly #raw: RawCommand;
  #piece = 0;
  #at: number;

  constructor(raw: RawCommand, at: number) {
    this.#raw = raw;
    this.#at = at;
  }

  /** Undefined on anything malformed. */
  readAll(): Token[] | undefined {
    const tokens = this.#readItems(0);
    return tokens && this.#atEnd() ? tokens : undefined;
  }

  #text(): string {
    return this.#raw.texts[this.#piece] ?? "";
  }

  #atEnd(): boolean {
    return this.#piece === this.#raw.texts.length - 1 && this.#at >= this.#text().length;
  }

  #readItems(depth: number): Token[] | undefined {
    const items: Token[] = [];
    for (;;) {
      while (this.#text().charAt(this.#at) === " ") this.#at++;
      if (this.#at >= this.#text().length) {
        const literal = this.#raw.literals[this.#piece];
        if (literal === undefined) return items;
        this.#piece++;
        this.#at = 0;
        items.push({ kind: "string", bytes: literal, literal: true });
        continue;
      }
      const char = this.#text().charAt(this.#at);
      if (char === ")") return depth > 0 ? items : undefined;
      if (char === "(") {
        if (depth >= maxDepth) return undefined;
        this.#at++;
        const inner = this.#readItems(depth + 1);
        if (!inner || this.#text().charAt(this.#at) !== ")") return undefined;
        this.#at++;
        items.push({ kind: "list", items: inner });
        continue;
      }
      const token = char === '"' ? this.#readQuoted() : this.#readAtom();
      if (!token) return undefined;
      items.push(token);
    }
  }

  #readQuoted(): Token | undefined {
    const text = this.#text();
    let out = "";
    for (let at = this.#at + 1; at < text.length; at++) {
      const char = text.charAt(at);
      if (char === '"') {
        this.#at = at + 1;
        return { kind: "string", bytes: Buffer.from(out, "latin1"), literal: false };
      }
      if (char === "\\") {
        at++;
        if (at >= text.length) return undefined;
        out += text.charAt(at);
      } else out += char;
    }
    return undefined;
  }

  /** A bracket belongs to its atom with all it holds: `BODY.PEEK[HEADER.FIELDS (Subject)]<0.100>`. */
  #readAtom(): Token | undefined {
    const text = this.#text();
    let at = this.#at;
    while (at < text.length) {
      const char = text.charAt(at);
      if (char === " " || char === "(" || char === ")" || char === '"') break;
      if (char === "[") {
        const close = text.indexOf("]", at);
        if (close < 0) return undefined;
        at = close;
      }
      at++;
    }
    if (at === this.#at) return undefined;
    const atom = text.slice(this.#at, at);
    this.#at = at;
    return { kind: "atom", text: atom };
  }
}

/** An astring's or atom's value as text; undefined for a list. */
export function textOf(token: Token | undefined): string | undefined {
  if (token === undefined || token.kind === "list") return undefined;
  return token.kind === "atom" ? token.text : token.bytes.toString("latin1");
}
