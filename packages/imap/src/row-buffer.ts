/** More than this waiting holds the reader back. The reader parses ahead while the consumer works on what it has. */
const aheadBytes = 512 * 1024;
const aheadRows = 32;

/** Hands rows from a reader, which can be held back by a promise, to a consumer that takes all there are. */
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
    if (this.#bytes < aheadBytes && this.#rows.length < aheadRows) {
      if (this.#rows.length === 1) this.#wakeSoon();
      return undefined;
    }
    this.#wakeUp();
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
    this.#empty();
    this.finish();
  }

  /** The rows that came since the last call, in their order; waits for one where there are none. Undefined after the last. */
  async take(): Promise<readonly T[] | undefined> {
    while (this.#rows.length === 0) {
      if (this.#isDone) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#empty();
  }

  #empty(): readonly T[] {
    const rows = this.#rows;
    this.#rows = [];
    this.#bytes = 0;
    const release = this.#release;
    this.#release = undefined;
    release?.();
    return rows;
  }

  /** Rows come several to a chunk, and chunks several to a turn of the loop: what came in one turn goes on together. */
  #wakeSoon(): void {
    if (this.#wake !== undefined) setImmediate(() => this.#wakeUp());
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
