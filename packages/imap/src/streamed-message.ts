import type { StreamedMessage } from "@mailfleet/core";
import type { FetchAnswer } from "./fetch-answer.ts";

/** Asks for one partial of the message; undefined when the server does not answer about it, or from another offset. */
export type FetchPiece = (offset: number, bytes: number) => Promise<FetchAnswer | undefined>;

/**
 * One message as partials, one after the other. The announced size says nothing about its end, as Exchange only estimates it, and a short
 * piece does not either: it may be all that a server gives at a time. Only an empty one is the end, or NIL; and as Dovecot answers NIL, with
 * OK, for a message that was removed meanwhile, the end is believed when the byte before it is still there.
 */
export async function streamMessage(uid: number, bytes: number, fetchPiece: FetchPiece): Promise<StreamedMessage | undefined> {
  const first = await fetchPiece(0, bytes);
  const head = first?.body;
  if (first === undefined || head === undefined) return undefined;
  // A server that gives no origin does not know partials: that was all of it.
  const isAllAtOnce = first.origin === undefined;
  let isWhole = isAllAtOnce || head.length === 0;

  async function* pieces(piece: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
    yield piece;
    let lastByte = piece.at(-1);
    for (let offset = piece.length; !isWhole;) {
      const next = await fetchPiece(offset, bytes);
      const body = next?.body?.subarray(0, bytes) ?? new Uint8Array();
      if (body.length === 0) {
        const last = next === undefined ? undefined : await fetchPiece(offset - 1, 1);
        isWhole = last?.body?.[0] !== undefined && last.body[0] === lastByte;
        return;
      }
      yield body;
      lastByte = body.at(-1);
      offset += body.length;
    }
  }
  const { flags = [], internalDate } = first;
  return {
    uid,
    flags,
    ...(internalDate !== undefined && { internalDate }),
    pieces: pieces(isAllAtOnce ? head : head.subarray(0, bytes)),
    isWhole: () => isWhole,
  };
}
