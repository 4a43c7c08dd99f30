import { Pop3Body } from "./body.ts";
import type { CommandWindow } from "./command-window.ts";
import type { Dialogue } from "./dialogue.ts";
import type { Pop3Limits } from "./limits.ts";
import type { Pop3Error } from "./pop3-error.ts";
import { readOverAnswers } from "./read-over.ts";

/** A message of `topEach`: its body, or the server's `-ERR` for it, after which the others go on. */
export type Pop3Item =
  | { readonly number: number; readonly body: Pop3Body; readonly refusal?: undefined }
  | { readonly number: number; readonly body?: undefined; readonly refusal: Pop3Error };

/** The answers to a window's commands, each to be read before the next is asked for, or it is discarded. @throws Pop3Error */
export async function* eachBody(
  dialogue: Dialogue,
  window: CommandWindow,
  { messageBytes, drainBytes }: Pop3Limits,
): AsyncGenerator<Pop3Item, void, void> {
  const { wire } = dialogue;
  const drain = { left: drainBytes };
  let open: Pop3Body | undefined;
  dialogue.enter("messages");
  try {
    for (let next = window.next(); next !== undefined; next = window.next()) {
      const { number } = next;
      const answer = await dialogue.answer();
      if (answer.status === "ok") {
        open = new Pop3Body({ wire, messageBytes, drain, onEnd: () => undefined });
        yield { number, body: open };
        await open.discard();
        drain.left = drainBytes;
      } else {
        const refusal = dialogue.unexpected(answer);
        if (refusal.isOver) throw refusal;
        yield { number, refusal };
      }
    }
  } finally {
    const unread = window.close();
    await open?.discard();
    await readOverAnswers(dialogue, unread, drain);
    dialogue.leave();
  }
}
