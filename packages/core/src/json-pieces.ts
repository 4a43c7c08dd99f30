import { isLongerInUtf8 } from "./utf8.ts";

/**
 * A JSON text in pieces, which are joined where they are sent: text, and UTF-8 bytes that lie in a buffer of many messages and are gone once
 * that is given back. No piece ends within a character.
 */
export type JsonPieces = readonly (string | Uint8Array)[];

/** The whole text. For tests, and for the few that are looked into: what is sent is joined as bytes. */
export function joinJson(pieces: JsonPieces): string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return pieces.map((piece) => (typeof piece === "string" ? piece : decoder.decode(piece))).join("");
}

/** UTF-8 takes three bytes for a UTF-16 unit, and four for two. */
const mostBytesPerUnit = 3;

/** True when the text has more than `limit` bytes in UTF-8; joins the pieces only where their lengths do not tell. */
export function isJsonLonger(pieces: JsonPieces, limit: number): boolean {
  let most = 0;
  for (const piece of pieces) most += typeof piece === "string" ? piece.length * mostBytesPerUnit : piece.length;
  return most > limit && isLongerInUtf8(joinJson(pieces), limit);
}
