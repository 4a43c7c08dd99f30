/** The bodies used last, up to a number of bytes: a client reads a message's head, then all of it. */
export class BodyCache {
  readonly #maxBytes: number;
  readonly #bodies = new Map<string, Buffer>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  peek(key: string): Buffer | undefined {
    return this.#bodies.get(key);
  }

  get(key: string, make: () => Buffer): Buffer {
    const known = this.#bodies.get(key);
    if (known) {
      this.#bodies.delete(key);
      this.#bodies.set(key, known);
      return known;
    }
    const body = make();
    if (body.length > this.#maxBytes / 4) return body;
    this.#bodies.set(key, body);
    this.#bytes += body.length;
    for (const [oldest, old] of this.#bodies) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#bodies.delete(oldest);
      this.#bytes -= old.length;
    }
    return body;
  }
}
