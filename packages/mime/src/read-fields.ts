import { isUtf8 } from "node:buffer";
import { parseAddressHeader } from "mailparser";
import type { EmailAddress, HeaderLines } from "mailparser";
import type { MailAddress, MessageToWrite, WrittenHeaders } from "@mailfleet/core";
import { cleanLine, cleanText, cleanToken } from "./clean-text.ts";
import { LimitError } from "./lean-mail-parser.ts";
import { parseMailDate } from "./mail-date.ts";
import type { Defect } from "./defects.ts";
import { readPlainAddresses } from "./plain-addresses.ts";
import type { PlainAddress } from "./plain-addresses.ts";
import { knownField, onceOnly } from "./field-names.ts";
import type { KnownField } from "./field-names.ts";
import type { RawField } from "./header-block.ts";

/** The longest message id, in characters: RFC 5322 2.1.1 allows no longer line. */
const maxIdLength = 998;
/** The longest list of references; real threads end far below. */
const maxReferences = 1_000;

export type HeadFields = Omit<MessageToWrite, "text" | "html" | "attachments" | "defects">;

export interface FieldReader {
  decodeWords(text: string): string;
  addDefect(defect: Defect): void;
  readonly maxAddresses: number;
  readonly maxFields: number;
}

/**
 * The head of a message from its raw lines. The list of headers is complete and in order, names as written, values unfolded and
 * not decoded; the named fields are decoded. Names are never keys of an object (T30).
 * @param lines as mailparser gives them: bytes as characters, folding included
 * @throws LimitError on more than `maxFields` fields, or `maxAddresses` addresses in one kind of field
 */
export function readFields(lines: HeaderLines, reader: FieldReader): HeadFields {
  if (lines.length > reader.maxFields) throw new LimitError(`its head has more than ${reader.maxFields} fields`);
  const collector = new FieldCollector(reader);
  for (const { key, line } of lines) {
    // how an absent header block shows
    if (line === "") continue;
    const colon = line.indexOf(":");
    if (colon < 1) reader.addDefect("bad-header-line");
    collector.add(key, colon < 0 ? "" : line.slice(0, colon), line.slice(colon + 1));
  }
  return collector.finish();
}

/**
 * As {@link readFields}, from fields that are split already, none of them with a CR or LF that ends no line, or with a NUL.
 * @param written the list of them, if it was made: then they are ASCII and their names plain
 */
export function readRawFields(
  fields: readonly RawField[],
  isAscii: boolean,
  written: WrittenHeaders | undefined,
  reader: FieldReader,
): HeadFields {
  if (fields.length > reader.maxFields) throw new LimitError(`its head has more than ${reader.maxFields} fields`);
  const collector = new FieldCollector(reader);
  for (const field of fields) {
    if (written !== undefined) collector.addValue(field);
    else if (isAscii && field.name.isPlain) collector.addPlain(field);
    else collector.add(field.name.key, field.name.written, field.value);
  }
  return collector.finish(written);
}

/** All names in one order: whatever order a message has, its values are one shape to V8. */
const noValues: Readonly<Record<KnownField, undefined>> = {
  from: undefined,
  sender: undefined,
  "reply-to": undefined,
  to: undefined,
  cc: undefined,
  bcc: undefined,
  subject: undefined,
  date: undefined,
  "message-id": undefined,
  "in-reply-to": undefined,
  references: undefined,
};

class FieldCollector {
  readonly #reader: FieldReader;
  readonly #headers: (readonly [string, string])[] = [];
  readonly #known: Record<KnownField, string[] | undefined> = { ...noValues };

  constructor(reader: FieldReader) {
    this.#reader = reader;
  }

  /** @param name bytes as characters; so is `line`, what stands behind the colon */
  add(key: string, name: string, line: string): void {
    const clean = cleanToken(decodeBytes(name, this.#reader));
    const folded = decodeBytes(line, this.#reader);
    this.#headers.push([clean, cleanText(unfold(folded).trim())]);
    const known = knownField(key);
    if (known !== undefined) this.#addKnown(known, cleanText(collapse(folded).trim()));
  }

  /** The same for text in ASCII without NUL, whose only line ends are those of folding. */
  addPlain(field: RawField): void {
    const folded = field.value;
    this.#headers.push([field.name.written, (field.isFolded ? joinLines(folded) : folded).trim()]);
    this.addValue(field);
  }

  /** The same without an entry in the list of headers. */
  addValue(field: RawField): void {
    const { known } = field.name;
    if (known !== undefined) this.#addKnown(known, (field.isFolded ? collapse(field.value) : field.value).trim());
  }

  #addKnown(field: KnownField, value: string): void {
    const values = this.#known[field];
    if (values === undefined) this.#known[field] = [value];
    else {
      values.push(value);
      this.#reader.addDefect(onceOnly[field]);
    }
  }

  /** @param written in place of the list of headers */
  finish(written?: WrittenHeaders): HeadFields {
    const reader = this.#reader;
    const known = this.#known;
    const headers = written ?? this.#headers;
    if (written === undefined && this.#headers.length === 0) reader.addDefect("no-headers");
    const first = (field: KnownField): string | undefined => known[field]?.[0];
    const addresses = (field: KnownField): MailAddress[] => {
      const values = known[field];
      return values === undefined ? [] : readAddresses(values, reader);
    };
    const messageId = readId(first("message-id"), reader);
    const inReplyTo = readId(first("in-reply-to"), reader);
    const subject = readSubject(first("subject"), reader);
    const date = readDate(first("date"), reader);
    return {
      ...(messageId !== undefined && { messageId }),
      ...(inReplyTo !== undefined && { inReplyTo }),
      references: readIds(known.references?.join(" "), reader),
      ...(subject !== undefined && { subject }),
      ...(date !== undefined && { date }),
      from: addresses("from"),
      to: addresses("to"),
      cc: addresses("cc"),
      bcc: addresses("bcc"),
      replyTo: addresses("reply-to"),
      sender: addresses("sender"),
      headers,
    };
  }
}

/** Without its line ends. They are two or three nearly always: to cut and join is less work than a pattern. */
function joinLines(folded: string): string {
  let joined = "";
  let from = 0;
  for (let at = folded.indexOf("\n"); at >= 0; at = folded.indexOf("\n", from)) {
    joined += folded.slice(from, folded.charCodeAt(at - 1) === cr ? at - 1 : at);
    from = at + 1;
  }
  return joined + folded.slice(from);
}

const cr = 0x0d;

// oxlint-disable-next-line no-control-regex
const nonAscii = /[^\u0000-\u007f]/;
const windows1252 = new TextDecoder("windows-1252");

/** Header bytes beyond ASCII are UTF-8 (RFC 6532) or, in old mail, most often windows-1252. */
function decodeBytes(binary: string, reader: FieldReader): string {
  if (!nonAscii.test(binary)) return binary;
  const bytes = Buffer.from(binary, "latin1");
  if (isUtf8(bytes)) return bytes.toString();
  reader.addDefect("raw-header-bytes");
  return windows1252.decode(bytes);
}

const lineEnd = /[\r\n]/;

/** RFC 5322 2.2.3. A CR or LF that folds nothing becomes a space, so that no value holds a line end (T29). */
function unfold(value: string): string {
  if (!lineEnd.test(value)) return value;
  return value.replace(/\r?\n(?=[ \t])/g, "").replace(/[\r\n]+/g, " ");
}

/** For display, any folding is one space. */
function collapse(value: string): string {
  return lineEnd.test(value) ? value.replace(/[\r\n]+[ \t]*/g, " ") : value;
}

function decode(value: string, reader: FieldReader): string {
  return value.includes("=?") ? reader.decodeWords(value) : value;
}

function readSubject(value: string | undefined, reader: FieldReader): string | undefined {
  if (value === undefined) return undefined;
  const decoded = decode(value, reader);
  const subject = cleanLine(decoded);
  noteLineBreak(decoded, reader);
  return subject;
}

function readDate(value: string | undefined, reader: FieldReader): string | undefined {
  if (value === undefined) return undefined;
  const date = parseMailDate(value);
  if (date === undefined || date.isZoneGuessed) reader.addDefect("bad-date");
  return date?.iso;
}

const bracketedId = /<[^<>]+>/g;

/** One id, in angle brackets. Old mailers put a phrase before it that can hold an address: then the last one is the id. */
function readId(value: string | undefined, reader: FieldReader): string | undefined {
  if (value === undefined || value === "") return undefined;
  const ids = value.match(bracketedId);
  return cleanId(ids?.at(value.startsWith("<") ? 0 : -1) ?? `<${value.replace(/[<>]/g, "").trim()}>`, reader);
}

/** All ids; bare words count only where nothing stands in brackets. */
function readIds(value: string | undefined, reader: FieldReader): string[] {
  if (value === undefined || value === "") return [];
  const ids = value.match(bracketedId) ?? (value.match(/[^\s<>]+/g) ?? []).map((word) => `<${word}>`);
  return boundReferences(ids, reader).map((id) => cleanId(id, reader));
}

function cleanId(id: string, reader: FieldReader): string {
  const clean = cleanLine(cleanToken(decode(id, reader)));
  if (clean.length <= maxIdLength) return clean;
  reader.addDefect("id-cut");
  return clean.slice(0, maxIdLength).toWellFormed();
}

/** The first one, which names the thread, and the latest. */
function boundReferences(ids: string[], reader: FieldReader): string[] {
  if (ids.length <= maxReferences) return ids;
  reader.addDefect("references-cut");
  return [...ids.slice(0, 1), ...ids.slice(1 - maxReferences)];
}

function readAddresses(values: readonly string[], reader: FieldReader): MailAddress[] {
  const list: MailAddress[] = [];
  for (const value of values) {
    const plain = readPlainAddresses(value);
    if (plain === undefined) for (const entry of parseAddressHeader(value).value) addAddress(list, entry, undefined, reader);
    else for (const entry of plain) addPlainAddress(list, entry, reader);
  }
  return list;
}

/** Has nothing to clean but what its encoded words say. */
function addPlainAddress(list: MailAddress[], entry: PlainAddress, reader: FieldReader): void {
  if (entry.name.includes("=?")) addAddress(list, { name: reader.decodeWords(entry.name), address: entry.address }, undefined, reader);
  else {
    boundAddresses(list, reader);
    list.push(entry);
  }
}

function boundAddresses(list: readonly MailAddress[], reader: FieldReader): void {
  if (list.length >= reader.maxAddresses)
    throw new LimitError(`one of its address fields lists more than ${reader.maxAddresses} addresses`);
}

function addAddress(list: MailAddress[], entry: EmailAddress, group: string | undefined, reader: FieldReader): void {
  boundAddresses(list, reader);
  const name = cleanLine(entry.name);
  noteLineBreak(entry.name, reader);
  if (entry.group !== undefined) {
    if (entry.group.length === 0) list.push({ name: "", address: "", group: name });
    for (const member of entry.group) addAddress(list, member, name, reader);
    return;
  }
  const address = cleanToken(entry.address ?? "");
  if (address === "" && name === "") return;
  if (!address.includes("@")) reader.addDefect("bad-address");
  list.push(group === undefined ? { name, address } : { name, address, group });
}

function noteLineBreak(text: string, reader: FieldReader): void {
  // oxlint-disable-next-line no-control-regex
  if (/[\r\n\0]/.test(text)) reader.addDefect("line-break-in-field");
}
