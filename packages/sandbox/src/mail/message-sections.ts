/** What of a message a FETCH wants (RFC 9051 section 6.4.5); parts by number are not served. */
export interface Section {
  readonly kind: "all" | "header" | "text" | "fields" | "fields-not";
  /** Lower case. */
  readonly fields: readonly string[];
}

/** The words between the brackets; undefined if they are not understood. */
export function parseSection(text: string): Section | undefined {
  const upper = text.trim().toUpperCase();
  if (upper === "") return { kind: "all", fields: [] };
  if (upper === "HEADER") return { kind: "header", fields: [] };
  if (upper === "TEXT") return { kind: "text", fields: [] };
  const match = /^HEADER\.FIELDS(\.NOT)? ?\(([^()]*)\)$/.exec(upper);
  if (!match) return undefined;
  const fields = (match[2] ?? "")
    .split(" ")
    .filter((name) => name !== "")
    .map((name) => name.replaceAll('"', "").toLowerCase());
  return fields.length === 0 ? undefined : { kind: match[1] ? "fields-not" : "fields", fields };
}

export function cutSection(message: Buffer, section: Section): Buffer {
  switch (section.kind) {
    case "all":
      return message;
    case "header":
      return message.subarray(0, headerEnd(message));
    case "text":
      return message.subarray(headerEnd(message));
    case "fields":
    case "fields-not":
      return headerFields(message, section.fields, section.kind === "fields");
  }
}

/** Where the body starts: behind the first empty line, or at the end where there is none. */
function headerEnd(message: Buffer): number {
  if (message[0] === 0x0d && message[1] === 0x0a) return 2;
  const at = message.indexOf("\r\n\r\n");
  return at < 0 ? message.length : at + 4;
}

function headerFields(message: Buffer, names: readonly string[], wanted: boolean): Buffer {
  const kept: string[] = [];
  let keeps = false;
  for (const line of message.toString("latin1", 0, headerEnd(message)).split("\r\n")) {
    if (line === "") continue;
    if (!line.startsWith(" ") && !line.startsWith("\t")) {
      const colon = line.indexOf(":");
      keeps = (colon >= 0 && names.includes(line.slice(0, colon).trim().toLowerCase())) === wanted;
    }
    if (keeps) kept.push(line, "\r\n");
  }
  return Buffer.from(`${kept.join("")}\r\n`, "latin1");
}

/** The first value of a header field, unfolded; undefined without the field. Bytes as latin1. */
export function headerValue(message: Buffer, name: string): string | undefined {
  const field = headerFields(message, [name.toLowerCase()], true).toString("latin1");
  const colon = field.indexOf(":");
  return colon < 0
    ? undefined
    : field
        .slice(colon + 1)
        .replaceAll("\r\n", "")
        .trim();
}
