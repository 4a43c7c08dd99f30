import type { Wire } from "./wire.ts";

/** Collected output goes to the wire from here on: one TLS record and one system call for many lines. */
const flushAtBytes = 64 * 1024;

/** Gathers response lines into few writes, and makes a fast producer wait for a slow reader. */
export class ResponseWriter {
  readonly #wire: Wire;
  #chunks: Buffer[] = [];
  /** Lines behind the chunks: one buffer for many of them. */
  #text = "";
  #bytes = 0;
  #isBlocked = false;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Text is latin1; CRLF is added. */
  line(text: string): void {
    this.text(`${text}\r\n`);
  }

  /** As `line`, without the line's end. */
  text(text: string): void {
    this.#text += text;
    this.#bytes += text.length;
    if (this.#bytes >= flushAtBytes) this.flush();
  }

  raw(bytes: Buffer): void {
    this.#takeText();
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= flushAtBytes) this.flush();
  }

  flush(): void {
    if (this.#bytes === 0) return;
    this.#takeText();
    const [first] = this.#chunks;
    const all = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks, this.#bytes);
    this.#chunks = [];
    this.#bytes = 0;
    if (!this.#wire.write(all)) this.#isBlocked = true;
  }

  /** True when `ready` would have to wait. */
  get isBehind(): boolean {
    return this.#isBlocked;
  }

  #takeText(): void {
    if (this.#text !== "") this.#chunks.push(Buffer.from(this.#text, "latin1"));
    this.#text = "";
  }

  /** Resolves at once unless the reader is behind; also when the connection ends. */
  async ready(): Promise<void> {
    if (!this.#isBlocked) return;
    await this.#wire.ready();
    this.#isBlocked = false;
  }
}
