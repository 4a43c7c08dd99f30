import type { Role } from "./terminal.ts";

/** A piece of a line, painted when it is written, so that widths are counted without escape codes. */
export type Span = string | { readonly role: Role; readonly text: string };

export interface Line {
  readonly spans: readonly Span[];
  /** Commands that people paste are never cut. */
  readonly isWhole?: true;
}

export function line(...spans: Span[]): Line {
  return { spans };
}

export function wholeLine(...spans: Span[]): Line {
  return { spans, isWhole: true };
}

export function lineText(one: Line): string {
  return one.spans.map((span) => (typeof span === "string" ? span : span.text)).join("");
}

/** Columns a text takes in a terminal: marks that combine take none, East Asian wide characters and pictures two. */
export function textWidth(text: string): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

function charWidth(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (/^(?:\p{M}|\p{Cf})$/u.test(char)) return 0;
  const isWide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return isWide ? 2 : 1;
}

/** Cuts a line to a width, the last column then says so. */
export function fitLine(one: Line, width: number): Line {
  if (one.isWhole || textWidth(lineText(one)) <= width) return one;
  const spans: Span[] = [];
  let left = width - 1;
  for (const span of one.spans) {
    const text = typeof span === "string" ? span : span.text;
    const kept = takeColumns(text, left);
    left -= textWidth(kept);
    spans.push(typeof span === "string" ? kept : { ...span, text: kept });
    if (kept !== text) break;
  }
  return { spans: [...spans, "…"] };
}

function takeColumns(text: string, columns: number): string {
  let kept = "";
  let left = columns;
  for (const char of text) {
    left -= charWidth(char);
    if (left < 0) break;
    kept += char;
  }
  return kept;
}

/** `support@contoso.example` to `supp…@contoso.example`: addresses shorten in the middle, before the @ first. */
export function shortenAddress(address: string, width: number): string {
  if (textWidth(address) <= width) return address;
  const at = address.lastIndexOf("@");
  const domain = at === -1 ? "" : address.slice(at);
  const room = width - textWidth(domain) - 1;
  if (room >= 2) return `${takeColumns(address, room)}…${domain}`;
  const half = Math.max(1, Math.floor((width - 1) / 2));
  return `${takeColumns(address, half)}…${address.slice(-(width - half - 1))}`;
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - textWidth(text)));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - textWidth(text))) + text;
}

/** Breaks a text at spaces so that each part fits beside an indent; a word that is too long stays whole. */
export function wrapText(text: string, columns: number, indent: number): string[] {
  const width = Math.max(16, columns - indent);
  const lines: string[] = [];
  let current = "";
  for (const word of text.split(" ")) {
    const longer = current === "" ? word : `${current} ${word}`;
    if (current !== "" && textWidth(longer) > width) {
      lines.push(current);
      current = word;
    } else current = longer;
  }
  return [...lines, current];
}

/** Breaks a ledger's line before `=`, `+` and what stands apart by eight spaces: never inside one of its terms. */
export function wrapSum(text: string, columns: number, indent: number): string[] {
  const width = Math.max(16, columns - indent);
  const [sum = "", ...apart] = text.split(/ {8}/);
  const lines: string[] = [];
  let current = "";
  for (const term of sum.split(/ (?=[=+] )/)) {
    const longer = current === "" ? term : `${current} ${term}`;
    if (current !== "" && textWidth(longer) > width) {
      lines.push(current);
      current = term;
    } else current = longer;
  }
  return [...lines, current, ...apart];
}
