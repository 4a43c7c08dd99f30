/**
 * Tokens of the part of PowerShell that we write. What PowerShell itself would take, and we never write, is an error here: backticks,
 * expandable strings with code in them, characters outside ASCII anywhere but in strings and comments.
 */
export type TokenKind = "newline" | "string" | "variable" | "number" | "word" | "dash" | "type" | "mark" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** A string's value, a variable's name, a dash word without its dash, the text itself of the others. */
  readonly text: string;
  readonly line: number;
  /** White space stands before it. */
  readonly isApart: boolean;
}

export class ScriptSyntaxError extends Error {
  readonly line: number;
  constructor(what: string, line: number) {
    super(`line ${line}: ${what}`);
    this.name = "ScriptSyntaxError";
    this.line = line;
  }
}

/** What PowerShell takes for a single quote, and for a double one. */
const singleQuotes = "'\u2018\u2019\u201a\u201b";
const doubleQuotes = '"\u201c\u201d\u201e';
const marks = ["@(", "@{", "$(", "::", "..", "(", ")", "{", "}", "[", "]", ",", ";", "|", "=", ".", "+", "*", "/", "!", "&", ":", "%"];

/** @throws ScriptSyntaxError */
export function tokenize(script: string): readonly Token[] {
  const text = script.replace(/^\ufeff/, "");
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  let isApart = true;
  const add = (kind: TokenKind, value: string, length: number): void => {
    tokens.push({ kind, text: value, line, isApart });
    for (const char of text.slice(at, at + length)) if (char === "\n") line++;
    at += length;
    isApart = false;
  };
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  while (at < text.length) {
    const char = text[at] as string;
    const here = match(/@(['"])[ \t]*\r?\n(?:([\s\S]*?)\r?\n)?\1@/y);
    if (char === "\n" || char === "\r") add("newline", "\n", text.startsWith("\r\n", at) ? 2 : 1);
    else if (char === " " || char === "\t") {
      at++;
      isApart = true;
    } else if (text.startsWith("<#", at)) {
      const end = text.indexOf("#>", at);
      if (end === -1) throw new ScriptSyntaxError("a comment that does not end", line);
      for (const one of text.slice(at, end)) if (one === "\n") line++;
      at = end + 2;
      isApart = true;
    } else if (char === "#") at += match(/[^\r\n]*/y)?.[0].length ?? 1;
    else if (here !== null) add("string", here[2] ?? "", here[0].length);
    else if (singleQuotes.includes(char)) addString(singleQuotes, false);
    else if (doubleQuotes.includes(char)) addString(doubleQuotes, true);
    else if (!addPlain(char)) throw new ScriptSyntaxError(`${JSON.stringify(char)} is not in what we write`, line);
  }
  tokens.push({ kind: "end", text: "", line, isApart: true });
  return tokens;

  /** Any quote of the family ends it; any two of them are the second one. */
  function addString(family: string, isExpandable: boolean): void {
    let value = "";
    for (let i = at + 1; i < text.length; i++) {
      const char = text[i] as string;
      if (isExpandable && (char === "$" || char === "`")) throw new ScriptSyntaxError("a string that is expanded", line);
      if (family.includes(char)) {
        if (!family.includes(text[i + 1] ?? "\n")) {
          add("string", value, i + 1 - at);
          return;
        }
        i++;
      }
      value += text[i] as string;
    }
    throw new ScriptSyntaxError("a string that does not end", line);
  }

  function addPlain(char: string): boolean {
    const variable = match(/\$((?:script|env):)?([A-Za-z_][A-Za-z0-9_]*)|@([A-Za-z_][A-Za-z0-9_]*)/y);
    if (variable !== null)
      add("variable", variable[3] === undefined ? `${variable[1] ?? ""}${variable[2] ?? ""}` : `@${variable[3]}`, variable[0].length);
    else if (char === "[" && match(/\[[A-Za-z][A-Za-z0-9.]*\]/y) !== null) {
      const name = match(/\[([A-Za-z][A-Za-z0-9.]*)\]/y) as RegExpExecArray;
      add("type", name[1] as string, name[0].length);
    } else if (/[0-9]/.test(char)) {
      const number = match(/[0-9]+(?:\.[0-9]+)?/y) as RegExpExecArray;
      add("number", number[0], number[0].length);
    } else if (char === "-" && match(/-[A-Za-z]+/y) !== null) {
      const dash = match(/-([A-Za-z]+)/y) as RegExpExecArray;
      add("dash", dash[1] as string, dash[0].length);
    } else if (/[A-Za-z]/.test(char)) {
      const word = match(/[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*/y) as RegExpExecArray;
      add("word", word[0], word[0].length);
    } else {
      const mark = char === "-" ? "-" : marks.find((one) => text.startsWith(one, at));
      if (mark === undefined) return false;
      add("mark", mark, mark.length);
    }
    return true;
  }
}
