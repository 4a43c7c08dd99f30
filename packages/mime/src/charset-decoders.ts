import { isAscii } from "node:buffer";
import { CharsetPairs } from "./charset-pairs.ts";
import { byteTable, utf8Table } from "./escape-text.ts";
import type { EscapeTable } from "./escape-text.ts";
import type { ChunkDecoder, Libmime } from "./lean-mail-parser.ts";

/** Decodes the text of one part; CRLF stays. */
export interface CharsetDecoder {
  readonly isKnown: boolean;
  /** CR and LF are themselves, wherever they stand. */
  readonly isByteWise: boolean;
  /** How bytes can be made JSON without a string between, as far as that is known. To be asked once for each text. */
  escapes(): EscapeTable | undefined;
  decode(bytes: Buffer, start: number, end: number): string;
}

const utf8: CharsetDecoder = {
  isKnown: true,
  isByteWise: true,
  escapes: () => utf8Table,
  decode: (bytes, start, end) => bytes.toString("utf8", start, end),
};
const unknown: CharsetDecoder = { ...utf8, isKnown: false };
const latin1Table = byteTable(Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)));
const latin1: CharsetDecoder = {
  isKnown: true,
  isByteWise: true,
  escapes: () => latin1Table,
  decode: (bytes, start, end) => bytes.toString("latin1", start, end),
};

const [lf, cr] = [0x0a, 0x0d];

/** A table of pairs takes as long as it saves on a hundred texts or two: who has no more of a charset does without. */
const textsBeforePairs = 100;

/** Names come from mail: a sender could make up any number of them. */
const maxNames = 200;

/**
 * Decoders by the names that mail gives charsets. What a name means is mailparser's to say: each is asked for once, byte by byte. A
 * charset that gives one character for each byte, whatever stands beside it, is kept as a decoder; any other is decoded by
 * mailparser's own, made anew for each text because it keeps state.
 */
export class CharsetDecoders {
  readonly #libmime: Libmime;
  readonly #pairs = new CharsetPairs();
  readonly #byName = new Map<string, CharsetDecoder | undefined>();

  constructor(libmime: Libmime) {
    this.#libmime = libmime;
  }

  /** Undefined for a name that mailparser reads in two ways. */
  get(name: string): CharsetDecoder | undefined {
    if (this.#byName.has(name)) return this.#byName.get(name);
    const decoder = this.#find(name);
    if (this.#byName.size < maxNames) this.#byName.set(name, decoder);
    return decoder;
  }

  #find(name: string): CharsetDecoder | undefined {
    // the names that mailparser does not look up
    if (["ascii", "usascii", "utf8"].includes(name.toLowerCase().replace(/[^a-z0-9]+/g, ""))) return utf8;
    const { supported, decoder } = this.#libmime.createDecodeStream(name);
    if (!supported) return unknown;
    // Japanese ones are decoded whole, which is asked for as an encoded word; in such a word an asterisk ends the name
    if (decoder === null) return name.includes("*") ? undefined : this.#whole(name);
    return this.#table(decoder) ?? this.#stateful(name);
  }

  #table(decoder: ChunkDecoder): CharsetDecoder | undefined {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const table = Array.from(bytes, (byte) => decodeAll(decoder, Buffer.of(byte)));
    if (table.some((char) => char.length !== 1) || decodeAll(decoder, bytes) !== table.join("")) return undefined;
    if (table.every((char, byte) => char === String.fromCharCode(byte))) return latin1;
    const isByteWise = table[lf] === "\n" && table[cr] === "\r";
    const isAsciiBelow = table.slice(0, 128).every((char, byte) => char === String.fromCharCode(byte));
    const escapes = isAsciiBelow ? byteTable(table) : undefined;
    return {
      isKnown: true,
      isByteWise,
      escapes: () => escapes,
      decode: (text, start, end) => {
        const part = text.subarray(start, end);
        return isAsciiBelow && isAscii(part) ? part.toString("latin1") : decoder.write(part);
      },
    };
  }

  #stateful(name: string): CharsetDecoder {
    let texts = 0;
    let escapes: EscapeTable | undefined;
    return {
      isKnown: true,
      isByteWise: false,
      escapes: () => {
        if (++texts === textsBeforePairs) escapes = this.#pairs.find((bytes) => this.#decodeOnce(name, bytes));
        return escapes;
      },
      decode: (text, start, end) => this.#decodeOnce(name, text.subarray(start, end)).toWellFormed(),
    };
  }

  #decodeOnce(name: string, bytes: Buffer): string {
    const { decoder } = this.#libmime.createDecodeStream(name);
    return decoder === null ? "" : decodeAll(decoder, bytes);
  }

  #whole(name: string): CharsetDecoder {
    return {
      isKnown: true,
      isByteWise: false,
      escapes: () => undefined,
      decode: (text, start, end) => this.#libmime.decodeWord(name, "B", text.toString("base64", start, end)).toWellFormed(),
    };
  }
}

function decodeAll(decoder: ChunkDecoder, bytes: Buffer): string {
  // that of CESU-8 ends with the number 0 where nothing is left
  return decoder.write(bytes) + (decoder.end() || "");
}
