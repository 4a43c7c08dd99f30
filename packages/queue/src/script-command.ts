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
      bulks.add(...json);
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
  #count = 0;
  #size = 0;

  add(...pieces: readonly Piece[]): void {
    this.#count++;
    const at = this.#pieces.push("") - 1;
    const before = this.#size;
    for (const piece of pieces) {
      this.#pieces.push(piece);
      this.#size += typeof piece === "string" ? Buffer.byteLength(piece) : piece.length;
    }
    // With the end of what comes before it.
    const head = `\r\n$${this.#size - before}\r\n`;
    this.#pieces[at] = head;
    this.#size += head.length;
  }

  join(): Buffer {
    const head = `*${this.#count}`;
    // Not of Node's pool: it is given back as a whole.
    const target = Buffer.allocUnsafeSlow(head.length + this.#size + 2);
    let end = target.write(head);
    for (const piece of this.#pieces) {
      if (typeof piece === "string") end += target.write(piece, end);
      else {
        target.set(piece, end);
        end += piece.length;
      }
    }
    target.write("\r\n", end);
    return target;
  }
}
