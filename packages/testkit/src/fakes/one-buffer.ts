import { type FetchedMessage, letGoBuffer } from "@mailfleet/core";

/**
 * Messages as a connection may bring them: in one buffer, which goes with the last of them. Whoever reads on in one that was let go of finds
 * other bytes, and letting go of one twice throws: the others' bytes would go with it.
 */
export function inOneBuffer(messages: readonly FetchedMessage[]): readonly FetchedMessage[] {
  const all = new Uint8Array(messages.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let held = messages.length;
  let end = 0;
  return messages.map((message) => {
    const bytes = all.subarray(end, (end += message.bytes.length));
    bytes.set(message.bytes);
    let isHeld = true;
    const letGo = (): void => {
      if (!isHeld) throw new Error(`message ${message.uid} was let go of twice`);
      isHeld = false;
      bytes.fill(0xff);
      if (--held === 0) letGoBuffer(all.buffer);
    };
    return { ...message, bytes, letGo };
  });
}
