import type { ParsedMessage } from "./ports.ts";

/**
 * A text that a parser has made JSON of, byte by byte, without a string between: what stands between the quotes, in UTF-8, as
 * `JSON.stringify` writes it. It holds no NUL and no U+FFFD, and has at most `limits.inlineBodyBytes` bytes.
 */
export interface EscapedText {
  readonly json: Uint8Array;
}

export type BodyText = string | EscapedText;

/** A message that is about to be written. */
export interface MessageToWrite extends Omit<ParsedMessage, "text" | "html"> {
  readonly text?: BodyText;
  readonly html?: BodyText;
}

/** What an escaped text says. */
export function plainText(body: BodyText): string {
  if (typeof body === "string") return body;
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return JSON.parse(`"${decoder.decode(body.json)}"`) as string;
}

/** The same message with its texts as strings. */
export function withPlainTexts({ text, html, ...rest }: MessageToWrite): ParsedMessage {
  return { ...rest, ...(text !== undefined && { text: plainText(text) }), ...(html !== undefined && { html: plainText(html) }) };
}
