import { type BlobPointer, type BlobReader, verified } from "./blob-folder.ts";
import { BlobError } from "./errors.ts";
import type { Blob, MailfleetEvent, Message } from "./event.ts";

/** What `bytes()` gives at once when nobody says how much may come. */
const defaultMaxBytes = 64 * 1024 * 1024;

/** Gives every pointer of an event its methods. They are not enumerable: as JSON the event stays what it was. */
export function withOpenBlobs(event: MailfleetEvent, blobs: BlobReader | undefined): MailfleetEvent {
  if ("raw" in event && event.raw) makeOpenable(event.raw, blobs);
  if (event.type === "message.added") {
    const { attachments, textRef, htmlRef, overflow } = event.message;
    for (const blob of [...attachments, textRef, htmlRef, overflow]) if (blob) makeOpenable(blob, blobs);
  }
  return event;
}

function makeOpenable(pointer: BlobPointer, blobs: BlobReader | undefined): void {
  const read = (): AsyncGenerator<Uint8Array, void, void> => {
    if (!blobs) throw new BlobError(pointer.ref, "consume() was not told where the blob store is: set `blobs`");
    return verified(blobs.read(pointer), pointer);
  };
  const methods: Pick<Blob, "open" | "bytes"> = {
    open: () => ReadableStream.from(read()),
    async bytes(maxBytes = defaultMaxBytes) {
      if (pointer.size > maxBytes)
        throw new BlobError(pointer.ref, `It has ${pointer.size} bytes, more than the ${maxBytes} asked for; open() reads it in pieces`);
      const all = new Uint8Array(pointer.size);
      let at = 0;
      for await (const piece of read()) {
        all.set(piece, at);
        at += piece.length;
      }
      return all;
    },
  };
  for (const [name, value] of Object.entries(methods))
    Object.defineProperty(pointer, name, { value, enumerable: false, configurable: true });
}

/** The plain text of a message, wherever it lies; undefined where it has none. */
export async function textOf(message: Message, maxBytes?: number): Promise<string | undefined> {
  return message.textRef ? decode(await message.textRef.bytes(maxBytes)) : message.text;
}

/** The HTML of a message as its sender wrote it, wherever it lies: never trust it. Undefined where it has none. */
export async function htmlOf(message: Message, maxBytes?: number): Promise<string | undefined> {
  return message.htmlRef ? decode(await message.htmlRef.bytes(maxBytes)) : message.html;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
