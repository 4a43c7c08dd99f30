import { setImmediate } from "node:timers/promises";
import type { ResponseWriter } from "./response-writer.ts";

/** A line of base64, so that the padding can stand in an attachment; as long a run of them as is written at once. */
const padding = Buffer.from(`${"QUJD".repeat(19)}\r\n`.repeat(1_024));

/** Bytes `start` to `end` of a message and its padding, made while they are sent: none of it but a slice is ever held. */
export async function writePaddedRange(
  writer: ResponseWriter,
  isOpen: () => boolean,
  head: Buffer,
  start: number,
  end: number,
): Promise<void> {
  for (let at = start; at < end && isOpen();) {
    const slice = at < head.length ? head.subarray(at, end) : padding.subarray((at - head.length) % padding.length).subarray(0, end - at);
    writer.raw(slice);
    at += slice.length;
    await writer.ready();
    // A client that left is noticed only between turns of the event loop.
    await setImmediate();
  }
}

/** Whether content that is longer than its head ends with a line of the padding. */
export function paddedEndsLine(head: Buffer, length: number): boolean {
  const padded = length - head.length;
  return padded >= 2 && padding[(padded - 1) % padding.length] === 0x0a;
}
