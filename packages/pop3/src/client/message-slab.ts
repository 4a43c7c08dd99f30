/** The first buffer, and the largest that is made without need, bytes: one message takes little, and of many a few dozen share one. */
const [smallest, largest] = [16 * 1024, 256 * 1024];

/**
 * Messages one after the other in few buffers. A buffer for each costs more than its bytes do: it is asked of the system and given back,
 * and the collector keeps count of it.
 */
export class MessageSlab {
  #slab = new Slab(smallest);
  /** Where the message begins that is being written, and where the next piece goes. */
  #from = 0;
  #to = 0;

  /** Of the message that is being written, bytes. */
  get length(): number {
    return this.#to - this.#from;
  }

  add(chunk: Buffer, from: number, to: number): void {
    if (to - from > this.#slab.bytes.length - this.#to) this.#grow(to - from);
    this.#to += chunk.copy(this.#slab.bytes, this.#to, from, to);
  }

  /** The message, which is whole; the next piece begins another one. Its buffer stays until it is let go of. */
  take(): Buffer {
    const bytes = this.#slab.bytes.subarray(this.#from, this.#to);
    this.#from = this.#to;
    this.#slab.enter();
    return bytes;
  }

  /** Of the message that was taken last: called once when nobody reads it any more, or not at all. The buffer goes with the last message in it. */
  get letGo(): () => void {
    return this.#slab.leave;
  }

  /** No message is written any more. */
  end(): void {
    this.#slab.leave();
  }

  /** What there is of the message moves: a message lies in one buffer. */
  #grow(more: number): void {
    const { bytes } = this.#slab;
    const next = new Slab(Math.max(Math.min(2 * bytes.length, largest), 2 * (this.length + more)));
    this.#to = bytes.copy(next.bytes, 0, this.#from, this.#to);
    this.#from = 0;
    this.#slab.leave();
    this.#slab = next;
  }
}

class Slab {
  /** Not of Node's pool: it is given back as a whole. */
  readonly bytes: Buffer;
  readonly leave = (): void => {
    if (--this.#holders === 0) (this.bytes.buffer as ArrayBuffer).transfer(0);
  };
  /** Messages that are read yet, and whoever writes. */
  #holders = 1;

  constructor(bytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(bytes);
  }

  enter(): void {
    this.#holders++;
  }
}
