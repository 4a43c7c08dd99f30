import { hashText } from "../world/random.ts";

/**
 * The message as another rendering of the same stored item would have it (field guide 3.5): each boundary is another one, and the lines of
 * the header break elsewhere. Everything a parser makes of it stays the same. Takes the head of a message, too.
 */
export function rerender(message: Buffer, rendering: number): Buffer {
  const text = message.toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  const head = end < 0 ? text : text.slice(0, end);
  let out = `${refold(head, 40 + (rendering % 5) * 8)}${end < 0 ? "" : text.slice(end)}`;
  for (const boundary of boundariesOf(text)) {
    const other = `_${String(rendering).padStart(3, "0")}_${hashText(`${boundary}/${String(rendering)}`).toString(16)}_`;
    out = out.replaceAll(boundary, other);
  }
  return Buffer.from(out, "latin1");
}

/** Long enough that they stand nowhere by chance; the longest first, because one may begin like another. */
function boundariesOf(text: string): readonly string[] {
  const found = new Set<string>();
  for (const [, quoted, bare] of text.matchAll(/boundary=(?:"([^"\r\n]{8,70})"|([^\s";]{8,70}))/gi)) found.add(quoted ?? bare ?? "");
  found.delete("");
  return [...found].sort((a, b) => b.length - a.length);
}

/** Lines break before the word that would go beyond `width`; a break that there was is a space. */
function refold(head: string, width: number): string {
  return head
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n")
    .map((field) => foldField(field, width))
    .join("\r\n");
}

function foldField(field: string, width: number): string {
  const [first = "", ...rest] = field.split(" ");
  let line = first;
  const lines: string[] = [];
  for (const word of rest) {
    // A line with nothing but white space would end the header for some parsers.
    if (line.trim() !== "" && line.length + word.length >= width && word !== "" && !/^[^\s:]+:$/.test(line)) {
      lines.push(line);
      line = "";
    }
    line += ` ${word}`;
  }
  return [...lines, line].join("\r\n");
}
