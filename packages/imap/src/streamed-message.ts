import type { StreamedMessage } from "@mailfleet/core";
import type { FetchAnswer } from "./fetch-answer.ts";

/** Asks for one partial of the message; undefined when the server does not answer about it, or from another offset. */
export type FetchPiece = (offset: number, bytes: number) => Promise<FetchAnswer | undefined>;

/**
 * One message as partials, one after the other. The announced size says nothing about its end (exchange-online.md 3.5), and a short
 * piece does not either: it may be all that a server gives at a time. Only an empty one is the end.
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
    for (let offset = piece.length; !isWhole;) {
      const next = await fetchPiece(offset, bytes);
      if (next?.body === undefined) {
        // NIL is how some servers say that nothing follows; no answer at all is a message that vanished.
        isWhole = next?.isNil === true;
        return;
      }
      const body = next.body.subarray(0, bytes);
      if (body.length === 0) isWhole = true;
      else yield body;
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
