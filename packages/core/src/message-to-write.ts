import type { MessageFields } from "./event.ts";
import type { ParsedMessage } from "./ports.ts";

/**
 * A text that a parser has made JSON of, byte by byte, without a string between: what stands between the quotes, in UTF-8, as
 * `JSON.stringify` writes it. It holds no NUL and no U+FFFD, and has at most `limits.inlineBodyBytes` bytes.
 */
export interface EscapedText {
  readonly json: Uint8Array;
}

export type BodyText = string | EscapedText;

/** The same for the list of all header fields, its brackets and quotes included. */
export interface WrittenHeaders {
  readonly json: Uint8Array;
}

type HeaderList = MessageFields["headers"];

/** A message that is about to be written. */
export interface MessageToWrite extends Omit<ParsedMessage, "text" | "html" | "headers"> {
  readonly headers: HeaderList | WrittenHeaders;
  readonly text?: BodyText;
  readonly html?: BodyText;
}

export function isWritten(headers: HeaderList | WrittenHeaders): headers is WrittenHeaders {
  return "json" in headers;
}

/** What an escaped text says. */
export function plainText(body: BodyText): string {
  return typeof body === "string" ? body : (JSON.parse(`"${utf8(body.json)}"`) as string);
}

/** The same message without anything written. */
export function asParsed({ headers, text, html, ...rest }: MessageToWrite): ParsedMessage {
  return {
    ...rest,
    headers: isWritten(headers) ? (JSON.parse(utf8(headers.json)) as HeaderList) : headers,
    ...(text !== undefined && { text: plainText(text) }),
    ...(html !== undefined && { html: plainText(html) }),
  };
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
