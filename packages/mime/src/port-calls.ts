import type { MessagePort, Transferable } from "node:worker_threads";

/** One side asks and waits, the other answers; one question at a time. */
export interface Asker<Question, Answer> {
  ask(question: Question, transfer?: readonly Transferable[]): Promise<Answer>;
}

export function askOver<Question, Answer>(port: MessagePort): Asker<Question, Answer> {
  let answer: ((value: Answer) => void) | undefined;
  port.on("message", (value: Answer) => answer?.(value));
  return {
    ask(question, transfer = []) {
      return new Promise((resolve) => {
        answer = resolve;
        port.postMessage(question, transfer);
      });
    },
  };
}

/** Answers questions until one cannot be answered; that one stays open, and `fail` is told why. */
export function answerOver<Answer>(
  port: MessagePort,
  answerTo: (question: Uint8Array | null) => Promise<readonly [answer: Answer, transfer: readonly Transferable[]]>,
  fail: (error: unknown) => void,
): void {
  port.on("message", (question: Uint8Array | null) => {
    answerTo(question).then(([answer, transfer]) => port.postMessage(answer, transfer), fail);
  });
}
