import { Command } from "ioredis";
import { letGoBuffer, type OutgoingEvent } from "@mailfleet/core";
import { eventJobId } from "./event-jobs.ts";

export type ScriptArgument = string | number | Buffer;

/**
 * A script whose ARGV ends with id, name and data of each event. A commit of history is half a megabyte or more: an event that ioredis
 * is to write has to be one buffer, which it copies into the command's. Here its pieces are copied once, from where its parser left them.
 */
export class ScriptCommand extends Command {
  readonly #events: readonly OutgoingEvent[];
  #written: Buffer | undefined;

  /** @param args hash or text of the script, number of keys, keys, values */
  constructor(name: "evalsha" | "eval", args: readonly ScriptArgument[], events: readonly OutgoingEvent[]) {
    super(name, [...args], { replyEncoding: "utf8" });
    this.#events = events;
  }

  /** Called by ioredis each time that it sends the command: once more where the connection broke before the answer came. */
  override toWritable(): Buffer {
    const bulks = new BulkStrings();
    bulks.add(this.name);
    for (const arg of this.args as (string | Buffer)[]) bulks.add(arg);
    for (const { id, type, json } of this.#events) {
      bulks.add(eventJobId(id));
      bulks.add(type);
      bulks.addJoined(json);
    }
    return (this.#written = bulks.join());
  }

  /** The answer is here, so Redis has read all of it: the next command finds its memory warm. */
  letGo(): void {
    if (this.#written) letGoBuffer(this.#written.buffer);
  }
}

type Piece = string | Uint8Array;

/** A command as Redis reads it: an array of strings with their lengths before them, in UTF-8 where they are text (RESP2). */
class BulkStrings {
  readonly #pieces: Piece[] = [];
  /** What comes next, as long as it is text: each piece is a call into Node, and a text costs as much as a long one. */
  #text = "";
  #count = 0;
  #size = 0;

  add(text: string | Uint8Array): void {
    this.#begin(sizeOf(text));
    this.#append(text);
  }

  addJoined(pieces: readonly Piece[]): void {
    let size = 0;
    for (const piece of pieces) size += sizeOf(piece);
    this.#begin(size);
    for (const piece of pieces) this.#append(piece);
  }

  join(): Buffer {
    this.#append("\r\n");
    this.#endText();
    const head = `*${this.#count}`;
    // Not of Node's pool: it is given back as a whole.
    const target = Buffer.allocUnsafeSlow(head.length + this.#size + "\r\n".length);
    let end = target.write(head);
    for (const piece of this.#pieces) {
      if (typeof piece === "string") end += target.write(piece, end);
      else {
        target.set(piece, end);
        end += piece.length;
      }
    }
    return target;
  }

  /** With the end of what comes before it. */
  #begin(size: number): void {
    const head = `\r\n$${size}\r\n`;
    this.#count++;
    this.#text += head;
    this.#size += head.length + size;
  }

  #append(piece: Piece): void {
    if (typeof piece === "string") this.#text += piece;
    else {
      this.#endText();
      this.#pieces.push(piece);
    }
  }

  #endText(): void {
    this.#pieces.push(this.#text);
    this.#text = "";
  }
}

function sizeOf(piece: Piece): number {
  return typeof piece === "string" ? Buffer.byteLength(piece) : piece.length;
}
