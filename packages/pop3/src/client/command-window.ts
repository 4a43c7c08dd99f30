import type { Dialogue } from "./dialogue.ts";

/** The command for a message; undefined when its arguments are none. */
export type CommandFor = (number: number) => string | undefined;

export interface SentCommand {
  readonly number: number;
  readonly command: string;
}

/** Commands for messages in order, of which several are under way at once. */
export class CommandWindow {
  readonly #dialogue: Dialogue;
  readonly #source: Iterator<number>;
  readonly #commandFor: CommandFor;
  readonly #width: number;
  readonly #sent: SentCommand[] = [];

  /** @param width commands that are under way at most; 1 where the server does not offer PIPELINING */
  constructor(dialogue: Dialogue, numbers: Iterable<number>, commandFor: CommandFor, width: number) {
    this.#dialogue = dialogue;
    this.#source = numbers[Symbol.iterator]();
    this.#commandFor = commandFor;
    this.#width = Math.max(1, width);
  }

  /**
   * The command whose answer comes next, which is waited for from now on. Undefined behind the last.
   * @throws Pop3Error `usage` for a number that is none
   */
  next(): SentCommand | undefined {
    // Half a window at a time: several commands share a packet, and the server is never without one.
    if (this.#sent.length <= this.#width / 2) this.#send();
    const next = this.#sent.shift();
    if (next !== undefined) this.#dialogue.wire.begin(next.command);
    return next;
  }

  /** No more commands. @returns how many were sent whose turn has not come */
  close(): number {
    this.#source.return?.();
    return this.#sent.length;
  }

  #send(): void {
    const lines: string[] = [];
    try {
      while (this.#sent.length < this.#width) {
        const { done, value: number } = this.#source.next();
        if (done === true) break;
        const command = this.#commandFor(number);
        if (command === undefined) throw this.#dialogue.usage("a message", "argument");
        this.#sent.push({ number, command });
        lines.push(command);
      }
    } finally {
      // Also those before a number that is none: they are owed.
      if (lines.length > 0) this.#dialogue.send(lines);
    }
  }
}
