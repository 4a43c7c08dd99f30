/** A table as the formatter leaves it: columns as wide as their widest cell. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map(escapeCell));
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => lengthOf(row[column] ?? ""))));
  const written = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => padded(cells[column] ?? "", width)).join(" | ")} |`;
  const [first = [], ...rest] = all;
  return [written(first), written(widths.map((width) => "-".repeat(width))), ...rest.map(written)].join("\n");
}

export function code(text: string): string {
  return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function padded(text: string, width: number): string {
  return text + " ".repeat(width - lengthOf(text));
}

/** In characters, as the formatter counts them, and not in units of UTF-16. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}

/** The heading's anchor as GitHub makes it: lower case, no punctuation, a dash for each space. */
export function slug(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

export interface CodeBlock {
  /** `docs/console.md:15` */
  readonly place: string;
  /** What stands behind the fence: a language, and perhaps what it is of that. */
  readonly info: string;
  readonly text: string;
}

/** Fenced blocks, without the indentation of the list they stand in. */
export function codeBlocks(file: string, text: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { readonly indent: string; readonly info: string; readonly line: number; readonly lines: string[] } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const [, indent = "", info = ""] = /^([ ]*)```(.*)$/.exec(line) ?? [];
    const isFence = /^[ ]*```/.test(line);
    if (open === undefined) {
      if (isFence) open = { indent, info: info.trim(), line: index + 1, lines: [] };
    } else if (isFence) {
      blocks.push({ place: `${file}:${open.line}`, info: open.info, text: `${open.lines.join("\n")}\n` });
      open = undefined;
    } else open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
  }
  if (open !== undefined) throw new Error(`${file}:${open.line}: a block of code that nothing ends`);
  return blocks;
}

/** Without fenced blocks and code in lines: what is left is prose, headings and links. */
export function proseOf(text: string): string {
  return text.replace(/^[ ]*```[^]*?^[ ]*```/gm, "").replace(/(`+)[^`\n]*?\1/g, "");
}
