import { isList, isToken, textOf, type Attribute, type UntaggedAnswer } from "./imapflow-internals.ts";

/** A LIST line as the server wrote it. */
export interface ListAnswer {
  /** Without the backslash, lower case. */
  readonly attributes: readonly string[];
  /** Undefined for NIL: a server without hierarchy. */
  readonly delimiter: string | undefined;
  readonly wireName: string;
}

/**
 * Reads `* LIST (attributes) delimiter name`. Exchange sends names as atoms, and names with spaces unquoted now and then, which reach
 * us as several tokens. Undefined where no name can be made out.
 */
export function readListAnswer(answer: UntaggedAnswer): ListAnswer | undefined {
  const [flags, delimiter, ...name] = answer.attributes ?? [];
  if (name.length === 0) return undefined;
  const words = name.map(wordOf);
  if (words.includes(undefined)) return undefined;
  return { attributes: readAttributes(flags), delimiter: textOf(delimiter), wireName: words.join(" ") };
}

/** The same from a line that imapflow's parser gave up on, for instance because of a tab in an unquoted name. */
export function readListLine(line: string): ListAnswer | undefined {
  const match = /^\* LIST \(([^)]*)\) (NIL|"\\?(.)") (.+)$/is.exec(line);
  if (match === null) return undefined;
  const [, flags = "", , delimiter, name = ""] = match;
  const quoted = /^"((?:[^"\\]|\\.)*)"$/s.exec(name)?.[1];
  return {
    attributes: flags
      .split(" ")
      .filter((flag) => flag !== "")
      .map(bare),
    delimiter,
    wireName: quoted === undefined ? name : quoted.replace(/\\(.)/gs, "$1"),
  };
}

function readAttributes(flags: Attribute | undefined): readonly string[] {
  if (!isList(flags)) return [];
  return flags
    .map(textOf)
    .filter((flag) => flag !== undefined)
    .map(bare);
}

function bare(flag: string): string {
  return flag.replace(/^\\/, "").toLowerCase();
}

function wordOf(node: Attribute): string | undefined {
  if (node === null) return "NIL";
  if (isList(node)) {
    const words = node.map(wordOf);
    return words.includes(undefined) ? undefined : `(${words.join(" ")})`;
  }
  if (isToken(node) && node.section !== undefined) {
    const words = node.section.map(wordOf);
    return words.includes(undefined) ? undefined : `${textOf(node) ?? ""}[${words.join(" ")}]`;
  }
  return textOf(node);
}
