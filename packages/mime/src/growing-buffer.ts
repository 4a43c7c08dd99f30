/** UTF-8 takes three bytes for a UTF-16 unit, and four for two. */
const mostBytesPerUnit = 3;

/** Bytes that are written one after the other, in one buffer that grows by doubling. */
export class GrowingBuffer {
  #bytes: Buffer;
  #length = 0;

  /** @param expected bytes; more is no fault, and costs a copy of what is there */
  constructor(expected: number) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(1, expected));
  }

  get length(): number {
    return this.#length;
  }

  write(content: string | Uint8Array): void {
    const isText = typeof content === "string";
    this.#room(isText ? content.length * mostBytesPerUnit : content.length);
    if (isText) this.#length += this.#bytes.write(content, this.#length);
    else {
      this.#bytes.set(content, this.#length);
      this.#length += content.length;
    }
  }

  /** A view of what was written from there on, until the next write. */
  from(at: number): Uint8Array {
    return this.#bytes.subarray(at, this.#length);
  }

  /** What was written, in a buffer of its own size; nothing is left here. */
  take(): ArrayBuffer {
    const { buffer } = this.#bytes;
    const all = (buffer as ArrayBuffer).transfer(this.#length);
    this.#length = 0;
    this.#bytes = Buffer.allocUnsafeSlow(1);
    return all;
  }

  #room(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
