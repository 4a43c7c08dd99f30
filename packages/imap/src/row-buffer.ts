/** More than this waiting holds the reader back. The reader parses ahead while the consumer works on what it has. */
const aheadBytes = 512 * 1024;
const aheadRows = 32;

/** Hands rows from a reader, which can be held back by a promise, to a consumer that takes them one at a time. */
export class RowBuffer<T extends { readonly bytes: Uint8Array }> {
  #rows: T[] = [];
  #bytes = 0;
  #isDone = false;
  #wake: (() => void) | undefined;
  #release: (() => void) | undefined;

  /** True while the reader is held back: its silence is ours. */
  get isHolding(): boolean {
    return this.#release !== undefined;
  }

  /** Resolves when there is room for the next. */
  put(row: T): Promise<void> | undefined {
    this.#rows.push(row);
    this.#bytes += row.bytes.length;
    this.#wakeUp();
    if (this.#bytes < aheadBytes && this.#rows.length < aheadRows) return undefined;
    return new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** No more rows come. */
  finish(): void {
    this.#isDone = true;
    this.#wakeUp();
  }

  /** Forgets what waits and lets the reader go. */
  abandon(): void {
    this.#rows = [];
    this.#bytes = 0;
    this.finish();
    this.#letGo();
  }

  /** The next row, or undefined after the last. */
  async take(): Promise<T | undefined> {
    while (this.#rows.length === 0) {
      if (this.#isDone) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const row = this.#rows.shift() as T;
    this.#bytes -= row.bytes.length;
    if (this.#rows.length === 0 || this.#bytes < aheadBytes / 2) this.#letGo();
    return row;
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #letGo(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }
}
