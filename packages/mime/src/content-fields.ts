import type { Libmime } from "./lean-mail-parser.ts";
import type { Decline } from "./decline.ts";
import type { RawField } from "./header-block.ts";

/** What the fields of one part say about its content, as mailparser's splitter reads them. */
export interface ContentFields {
  readonly contentType: string;
  readonly charset: string | undefined;
  /** Of a multipart only. */
  readonly boundary: string | undefined;
  readonly isFlowed: boolean;
  readonly isDelSp: boolean;
  readonly encoding: "base64" | "quoted-printable" | "identity";
  readonly disposition: string | undefined;
  readonly filename: string | undefined;
  /** Behind its colon, as written. */
  readonly contentId: string | undefined;
}

/** The first of each, as mailparser takes them, by what follows `content-`. */
interface FirstFields {
  type?: string;
  disposition?: string;
  "transfer-encoding"?: string;
  id?: string;
}

const plainText: ContentFields = {
  contentType: "text/plain",
  charset: undefined,
  boundary: undefined,
  isFlowed: false,
  isDelSp: false,
  encoding: "identity",
  disposition: undefined,
  filename: undefined,
  contentId: undefined,
};

export function readContentFields(fields: readonly RawField[], libmime: Libmime): ContentFields | Decline {
  const first: FirstFields = {};
  let hasAny = false;
  for (const field of fields) {
    const rest = field.name.content;
    if (rest === undefined) continue;
    if (rest === "id") {
      // an empty one does not count
      if (first.id === undefined && field.value.trim() !== "") first.id = field.value.trim();
    } else if (rest === "type" || rest === "disposition" || rest === "transfer-encoding") {
      first[rest] ??= unfoldValue(field.value);
    }
    hasAny = true;
  }
  if (!hasAny) return plainText;
  return interpret(first, libmime);
}

function interpret(first: FirstFields, libmime: Libmime): ContentFields | Decline {
  if (first.type === undefined && first.disposition !== undefined) return "content-field";
  const type = parseValue(first.type ?? "text/plain", libmime);
  const contentType = type.value.toLowerCase().trim();
  if (contentType === "") return "content-field";
  const placement = first.disposition === undefined ? undefined : parseValue(first.disposition, libmime);
  const disposition = placement?.value.toLowerCase().trim() ?? "";
  if (disposition.includes("=?")) return "content-field";
  const rawEncoding = first["transfer-encoding"] ?? "";
  if (rawEncoding.includes("(")) return "encoding-comment";

  const isMultipart = contentType.startsWith("multipart");
  const boundary = (type.params.get("boundary") ?? "").trimEnd();
  // a multipart without a boundary, and a boundary elsewhere, have meanings of their own in mailparser
  if (isMultipart !== (boundary !== "") || (isMultipart && !/^multipart\/./.test(contentType))) return "boundary";
  if (!/^[ -~]*$/.test(boundary)) return "boundary";

  const isFlowed = contentType === "text/plain" && type.params.get("format")?.toLowerCase().trim() === "flowed";
  return {
    contentType,
    charset: type.params.get("charset") || undefined,
    boundary: boundary === "" ? undefined : boundary,
    isFlowed,
    isDelSp: isFlowed && type.params.get("delsp")?.toLowerCase().trim() === "yes",
    encoding: readEncoding(rawEncoding),
    disposition: disposition === "" ? undefined : disposition,
    filename: (readName(placement, "filename", libmime) ?? readName(type, "name", libmime)) || undefined,
    contentId: first.id,
  };
}

function readEncoding(value: string): ContentFields["encoding"] {
  const encoding = value.toLowerCase().trim();
  return encoding === "base64" || encoding === "quoted-printable" ? encoding : "identity";
}

/** Undefined where no name is given; empty where one is given that decodes to nothing. */
function readName(value: StructuredValue | undefined, name: string, libmime: Libmime): string | undefined {
  const text = value?.params.get(name);
  if (value === undefined || text === undefined || text === "") return undefined;
  return value.decoded.includes(name) || !text.includes("=?") ? text : libmime.decodeWords(text);
}

// oxlint-disable-next-line no-control-regex
const nonAscii = /[^\u0000-\u007f]/;

/** As mailparser's splitter does: bytes are UTF-8 where they can be; then each line end with the white space behind it is a space. */
function unfoldValue(raw: string): string {
  let value = raw;
  if (nonAscii.test(raw)) {
    const utf8 = Buffer.from(raw, "latin1").toString();
    if (!utf8.includes("\uFFFD")) value = utf8;
    // its pattern of a field ends at these two
    if (/[\u2028\u2029]/.test(value)) return "";
  }
  return value.includes("\n") ? value.replace(/\r?\n[ \t]*/g, " ").trim() : value.trim();
}

interface StructuredValue {
  readonly value: string;
  readonly params: ReadonlyMap<string, string>;
  /** Names of parameters that are decoded already. */
  readonly decoded: readonly string[];
}

const typeToken = /([\w!#$&^.+-]+(?:\/[\w!#$&^.+-]+)?)[ \t]*(?:;|$)/y;
const parameter = /[ \t]*([A-Za-z0-9_-]+)=(?:"([^"\\]*)"|([^\s"\\;()]+))[ \t]*(?:;|$)/y;
const noParameters: ReadonlyMap<string, string> = new Map();
const noNames: readonly string[] = [];

/** `type; name=value; name="value"` read here; any other form, such as RFC 2231's, by mailparser's own function. */
function parseValue(text: string, libmime: Libmime): StructuredValue {
  typeToken.lastIndex = 0;
  const type = typeToken.exec(text);
  if (type === null) return parseOddValue(text, libmime);
  const value = type[1] as string;
  let at = typeToken.lastIndex;
  if (at >= text.length) return { value, params: noParameters, decoded: noNames };
  const params = new Map<string, string>();
  while (at < text.length) {
    parameter.lastIndex = at;
    const match = parameter.exec(text);
    if (match === null) return parseOddValue(text, libmime);
    const name = (match[1] as string).toLowerCase();
    if (!params.has(name)) params.set(name, match[2] ?? match[3] ?? "");
    at = parameter.lastIndex;
  }
  return { value, params, decoded: noNames };
}

function parseOddValue(text: string, libmime: Libmime): StructuredValue {
  const { value, params, decodedParams } = libmime.parseHeaderValue(text, { stripComments: true });
  return { value, params: new Map(Object.entries(params)), decoded: decodedParams };
}
