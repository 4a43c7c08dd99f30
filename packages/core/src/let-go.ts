/**
 * Gives the memory of bytes back now, and not when the collector comes by. What lies outside of its heap it counts late: mail that was handed off
 * long ago filled most of a worker. Who reads these bytes after that finds none.
 *
 * A view of a part is left alone: others may read the rest of its buffer.
 */
export function letGo({ buffer, byteLength }: Uint8Array): void {
  if (buffer.byteLength === byteLength) letGoBuffer(buffer);
}

/** {@link letGo} of all bytes of a buffer, whoever has views of it. */
export function letGoBuffer(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
