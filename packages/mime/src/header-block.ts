import type { Decline } from "./decline.ts";
import { fieldNameAt } from "./field-names.ts";
import type { FieldName } from "./field-names.ts";

/** One header field of a block, as it is written: where it lies. A string is made of it only for who asks for its value. */
export class RawField {
  readonly #block: string;
  readonly name: FieldName;
  /** Offsets into the block: of the name, of its colon, of what stands behind the colon and the blanks there, and of the last line end. */
  readonly at: number;
  readonly colon: number;
  readonly valueAt: number;
  readonly stop: number;
  readonly isFolded: boolean;

  constructor(block: string, at: number, colon: number, valueAt: number, stop: number, isFolded: boolean) {
    this.#block = block;
    this.name = fieldNameAt(block, at, colon);
    this.at = at;
    this.colon = colon;
    this.valueAt = valueAt;
    this.stop = stop;
    this.isFolded = isFolded;
  }

  /** Folding included; bytes as characters. */
  get value(): string {
    return this.#block.slice(this.valueAt, this.stop);
  }
}

const [lf, cr, space, tab] = [0x0a, 0x0d, 0x20, 0x09];

const emptyLines = ["\n\n", "\n\r\n"] as const;

export interface HeaderBlock {
  /** Bytes as characters; every line has its end. */
  readonly text: string;
  readonly bodyAt: number;
}

/** The head of a message or of a part. */
export interface MessageHead extends HeaderBlock {
  readonly fields: readonly RawField[];
}

/** The header block that begins at `start`; undefined when no empty line, which is LF or CRLF alone, ends it before `end`. */
export function findBlock(bytes: Buffer, start: number, end: number): HeaderBlock | undefined {
  const first = bytes.indexOf(lf, start);
  if (first < 0 || first >= end) return undefined;
  if (first === start || (first === start + 1 && bytes[start] === cr)) return { text: "", bodyAt: first + 1 };
  // the lines of one block nearly always end alike; the other kind of empty line is then looked for in the block only
  const [likely, other] = bytes[first - 1] === cr ? ([emptyLines[1], emptyLines[0]] as const) : emptyLines;
  const at = bytes.indexOf(likely, first, "latin1");
  const isFound = at >= 0 && at + likely.length <= end;
  const text = bytes.toString("latin1", start, isFound ? at + 1 : end);
  const otherAt = text.indexOf(other);
  if (otherAt >= 0) return { text: text.slice(0, otherAt + 1), bodyAt: start + otherAt + other.length };
  return isFound ? { text, bodyAt: at + likely.length } : undefined;
}

/** The head of a message, or why the message is left to mailparser. A head that no empty line ends is all of it. */
export function scanHead(bytes: Buffer): MessageHead | Decline {
  const { text, bodyAt } = findBlock(bytes, 0, bytes.length) ?? { text: bytes.toString("latin1"), bodyAt: bytes.length };
  if (text === "") return "no-head";
  if (/^(?:from|post) /i.test(text)) return "mbox-line";
  if (text.includes("\0")) return "head-nul";
  const fields = scanFields(text);
  return typeof fields === "string" ? fields : { text, fields, bodyAt };
}

/** All fields of a block in order, or why they are left to mailparser. */
export function scanFields(block: string): RawField[] | Decline {
  const fields: RawField[] = [];
  const { length } = block;
  const hasCr = block.includes("\r");
  for (let at = 0; at < length;) {
    let lineEnd = endOfLine(block, at);
    const colon = block.indexOf(":", at);
    if (colon <= at || colon > lineEnd || isBlank(block, at)) return "head-line";
    if (hasCr && hasBareCr(block, at, lineEnd)) return "bare-cr";
    let isFolded = false;
    while (isBlank(block, lineEnd + 1)) {
      isFolded = true;
      const next = endOfLine(block, lineEnd + 1);
      if (hasCr && hasBareCr(block, lineEnd + 1, next)) return "bare-cr";
      lineEnd = next;
    }
    const stop = hasCr && block.charCodeAt(lineEnd - 1) === cr ? lineEnd - 1 : lineEnd;
    let valueAt = colon + 1;
    while (valueAt < stop && isBlank(block, valueAt)) valueAt++;
    fields.push(new RawField(block, at, colon, valueAt, stop, isFolded));
    at = lineEnd + 1;
  }
  return fields;
}

function endOfLine(block: string, at: number): number {
  const end = block.indexOf("\n", at);
  return end < 0 ? block.length : end;
}

function hasBareCr(block: string, at: number, lineEnd: number): boolean {
  const found = block.indexOf("\r", at);
  return found >= 0 && found < lineEnd - 1;
}

function isBlank(block: string, at: number): boolean {
  const char = block.charCodeAt(at);
  return char === space || char === tab;
}
