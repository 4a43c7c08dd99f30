import type { Protocol } from "@mailfleet/core";
import type { MailboxRow } from "@mailfleet/config";

/** How an address of a file stands to what is registered. */
export type RowState = "fresh" | "same" | "change" | "elsewhere";
const states: readonly RowState[] = ["fresh", "same", "change", "elsewhere"];
const protocols: readonly (Protocol | undefined)[] = [undefined, "imap", "pop3"];

const firstRows = 1_024;
/** Addresses lie in pages, none over two of them, so that growing copies none. */
const pageBytes = 1 << 20;
/** UTF-8 of an address; longer ones are refused before. */
const longestBytes = 254;

/**
 * The addresses of a file, about 45 bytes each instead of the 200 of objects and strings, so that a million of them fit beside everything
 * else into 200 MB (T58).
 */
export class AddressTable {
  readonly #pages: Uint8Array[] = [];
  /** Where the next address goes, counted over all pages. */
  #end = 0;
  #begins = new Uint32Array(firstRows);
  #lengths = new Uint8Array(firstRows);
  #lines = new Uint32Array(firstRows);
  #kinds = new Uint8Array(firstRows);
  #slots = new Int32Array(firstRows * 2).fill(-1);
  #size = 0;
  readonly #scratch = new Uint8Array(longestBytes * 2);
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();

  get size(): number {
    return this.#size;
  }

  /** An address that is not there yet. */
  add({ address, line, protocol }: MailboxRow): void {
    if (this.#size === this.#lines.length) this.#grow();
    const length = this.#encode(address);
    if ((this.#end % pageBytes) + length > pageBytes || this.#end === this.#pages.length * pageBytes) {
      this.#end = this.#pages.length * pageBytes;
      this.#pages.push(new Uint8Array(pageBytes));
    }
    (this.#pages.at(-1) as Uint8Array).set(this.#scratch.subarray(0, length), this.#end % pageBytes);
    this.#begins[this.#size] = this.#end;
    this.#lengths[this.#size] = length;
    this.#end += length;
    this.#lines[this.#size] = line;
    this.#kinds[this.#size] = protocols.indexOf(protocol);
    this.#slots[this.#slotOf(length)] = this.#size;
    this.#size += 1;
  }

  /** Its place, or -1. */
  find(address: string): number {
    return this.#slots[this.#slotOf(this.#encode(address))] as number;
  }

  address(index: number): string {
    return this.#decoder.decode(this.#text(index));
  }

  line(index: number): number {
    return this.#lines[index] as number;
  }

  protocol(index: number): Protocol | undefined {
    return protocols[(this.#kinds[index] as number) & 3];
  }

  state(index: number): RowState {
    return states[(this.#kinds[index] as number) >> 2] as RowState;
  }

  setState(index: number, state: RowState): void {
    this.#kinds[index] = ((this.#kinds[index] as number) & 3) | (states.indexOf(state) << 2);
  }

  #text(index: number): Uint8Array {
    const begin = this.#begins[index] as number;
    const from = begin % pageBytes;
    return (this.#pages[Math.floor(begin / pageBytes)] as Uint8Array).subarray(from, from + (this.#lengths[index] as number));
  }

  #encode(address: string): number {
    const { read, written } = this.#encoder.encodeInto(address, this.#scratch);
    // No such address is in any file: nothing is found for it, and nothing of the kind is added.
    return read === address.length ? written : 0;
  }

  /** Where the encoded address stands, or the free slot where it would (FNV-1a, linear probing, at most half full). */
  #slotOf(length: number): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (this.#scratch[i] as number), 0x01000193);
    const mask = this.#slots.length - 1;
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot] as number;
      if (index === -1 || this.#isAt(index, length)) return slot;
    }
  }

  #isAt(index: number, length: number): boolean {
    if (this.#lengths[index] !== length) return false;
    const begin = this.#begins[index] as number;
    const page = this.#pages[Math.floor(begin / pageBytes)] as Uint8Array;
    const from = begin % pageBytes;
    for (let i = 0; i < length; i++) if (page[from + i] !== this.#scratch[i]) return false;
    return true;
  }

  #grow(): void {
    const rows = this.#lines.length * 2;
    this.#lines = enlarged(this.#lines, rows);
    this.#kinds = enlarged(this.#kinds, rows);
    this.#begins = enlarged(this.#begins, rows);
    this.#lengths = enlarged(this.#lengths, rows);
    this.#slots = new Int32Array(rows * 2).fill(-1);
    for (let index = 0; index < this.#size; index++) {
      const text = this.#text(index);
      this.#scratch.set(text);
      this.#slots[this.#slotOf(text.length)] = index;
    }
  }
}

function enlarged<Cells extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(cells: Cells, length: number): Cells {
  const larger = new (cells.constructor as new (length: number) => Cells)(length);
  larger.set(cells);
  return larger;
}
