/**
 * Memory for the texts of one message on their way to where they are written: one buffer of a thread, used again for each message, so
 * that nothing is left to collect.
 */
export class TextRoom {
  readonly #bytes: Buffer;
  #used = 0;

  /** @param size bytes; what does not fit gets a buffer of its own */
  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafeSlow(size);
  }

  /** At least so many bytes, until {@link keep} or the next place is asked for. */
  place(size: number): Buffer {
    return size <= this.#bytes.length - this.#used ? this.#bytes.subarray(this.#used) : Buffer.allocUnsafeSlow(size);
  }

  /** The first `size` bytes of the latest place stay what they are until {@link clear}. */
  keep(place: Buffer, size: number): Buffer {
    if (place.buffer === this.#bytes.buffer) this.#used += size;
    return place.subarray(0, size);
  }

  /** The texts of the last message were written. */
  clear(): void {
    this.#used = 0;
  }
}
