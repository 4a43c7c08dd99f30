import type { CommandWindow, SentCommand } from "./command-window.ts";
import type { Dialogue } from "./dialogue.ts";
import { DotDecoder, type TakePiece } from "./dot-decoder.ts";
import { MessageSlab } from "./message-slab.ts";
import type { Pop3Error } from "./pop3-error.ts";
import { readOver, readOverAnswers } from "./read-over.ts";

/** A message of `retrWhole`, whose buffer is let go of with the last message in it, or the server's `-ERR` for it, after which the others go on. */
export type WholeItem =
  | { readonly number: number; readonly bytes: Buffer; readonly letGo: () => void; readonly refusal?: undefined }
  | { readonly number: number; readonly bytes?: undefined; readonly refusal: Pop3Error };

export interface WholeMessagesOptions {
  readonly dialogue: Dialogue;
  readonly window: CommandWindow;
  /** A longer message ends the connection. */
  readonly maxBytes: number;
  readonly drainBytes: number;
}

/** Reads messages from what has come, without waiting between them. Waits only when bytes are missing. */
export class WholeMessages {
  readonly #options: WholeMessagesOptions;
  /** Whose answer is being read. */
  #current: SentCommand | undefined;
  /** Since its +OK. */
  #decoder: DotDecoder | undefined;
  readonly #slab = new MessageSlab();
  readonly #add: TakePiece = (chunk, from, to) => this.#slab.add(chunk, from, to);

  constructor(options: WholeMessagesOptions) {
    this.#options = options;
  }

  /** All that are complete by now, again and again; never none. Left early, it reads over what is owed. @throws Pop3Error */
  async *items(): AsyncGenerator<readonly WholeItem[], void, void> {
    const { dialogue } = this.#options;
    dialogue.enter("messages");
    try {
      for (;;) {
        const items: WholeItem[] = [];
        const trouble = this.#takeAll(items);
        if (items.length > 0) yield items;
        if (trouble !== undefined) throw trouble.error;
        if (this.#current === undefined) return;
        if (items.length === 0) await dialogue.wire.more();
      }
    } finally {
      this.#slab.end();
      await this.#readOver();
      dialogue.leave();
    }
  }

  /** @returns what came behind the items and ends it all */
  #takeAll(items: WholeItem[]): { readonly error: unknown } | undefined {
    try {
      for (let item = this.#take(); item !== undefined; item = this.#take()) items.push(item);
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  /** The next one if all of it is here; undefined without a `#current` means that there is no next one. @throws Pop3Error */
  #take(): WholeItem | undefined {
    const { dialogue, window } = this.#options;
    this.#current ??= window.next();
    if (this.#current === undefined) return undefined;
    const { number } = this.#current;
    if (this.#decoder === undefined) {
      const answer = dialogue.takeAnswer();
      if (answer === undefined) return undefined;
      if (answer.status !== "ok") {
        this.#current = undefined;
        const refusal = dialogue.unexpected(answer);
        if (refusal.isOver) throw refusal;
        return { number, refusal };
      }
      this.#decoder = new DotDecoder();
    }
    if (!this.#isRead(this.#decoder)) return undefined;
    this.#current = undefined;
    this.#decoder = undefined;
    return { number, bytes: this.#slab.take(), letGo: this.#slab.letGo };
  }

  /** @returns false while bytes are missing @throws Pop3Error `limit` */
  #isRead(decoder: DotDecoder): boolean {
    const { dialogue, maxBytes } = this.#options;
    while (!decoder.isEnded && dialogue.wire.decode(decoder, this.#add)) {
      if (this.#slab.length > maxBytes) throw dialogue.wire.violate("limit", "message-bytes");
    }
    return decoder.isEnded;
  }

  /** What was asked for and not read. */
  async #readOver(): Promise<void> {
    const { dialogue, window, drainBytes } = this.#options;
    const unread = window.close();
    const budget = { left: drainBytes };
    if (this.#decoder !== undefined) await readOver(dialogue.wire, this.#decoder, budget);
    const isUnanswered = this.#current !== undefined && this.#decoder === undefined;
    await readOverAnswers(dialogue, unread + (isUnanswered ? 1 : 0), budget);
  }
}
