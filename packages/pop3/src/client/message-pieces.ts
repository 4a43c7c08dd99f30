/** So many small pieces are joined into one: a view and what it holds cost hundreds of bytes, and a server may send byte by byte. */
const looseAtMost = 1_024;

/** The pieces of one message until it is whole, as views of what the socket gave. */
export class MessagePieces {
  #pieces: Uint8Array[] = [];
  /** How many of them were joined of smaller ones; they come first. */
  #joined = 0;
  #bytes = 0;

  /** In bytes. */
  get length(): number {
    return this.#bytes;
  }

  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#pieces.length - this.#joined < looseAtMost) return;
    this.#pieces.push(join(this.#pieces.splice(this.#joined)));
    this.#joined++;
  }

  /** All of it in a buffer of its own, and nothing is left here. */
  take(): Buffer {
    const whole = join(this.#pieces, this.#bytes);
    this.#pieces = [];
    this.#joined = 0;
    this.#bytes = 0;
    return whole;
  }
}

/** `Buffer.concat` puts small ones into a pool that others' bytes are in too: who has a message may give its memory back at once. */
function join(pieces: readonly Uint8Array[], length = pieces.reduce((sum, piece) => sum + piece.length, 0)): Buffer {
  const whole = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
