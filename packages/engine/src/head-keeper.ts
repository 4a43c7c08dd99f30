/** Counts a message that passes, and keeps its beginning. */
export class HeadKeeper {
  seen = 0;
  readonly #most: number;
  readonly #pieces: Uint8Array[] = [];
  #kept = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(piece: Uint8Array): void {
    this.seen += piece.length;
    if (this.#kept >= this.#most) return;
    // Copied: a view would hold the whole piece.
    const part = piece.slice(0, this.#most - this.#kept);
    this.#pieces.push(part);
    this.#kept += part.length;
  }

  bytes(): Uint8Array {
    return joinBytes(this.#pieces, this.#kept);
  }
}

export function joinBytes(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
