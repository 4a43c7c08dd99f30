import type { Dialogue } from "./dialogue.ts";
import { DotDecoder } from "./dot-decoder.ts";
import type { Wire } from "./wire.ts";

/** Bytes that may still be read for nobody; shared by all answers of one run. */
export interface DrainBudget {
  left: number;
}

/** Reads over what is left of an answer, or closes the connection. Never throws: the next command says that the connection is over. */
export async function readOver(wire: Wire, decoder: DotDecoder, budget: DrainBudget): Promise<void> {
  try {
    while (!decoder.isEnded) {
      for (const piece of await wire.pieces(decoder)) budget.left -= piece.length;
      if (budget.left < 0 && !decoder.isEnded) wire.end({ kind: "closed" });
    }
  } catch {
    // The wire knows.
  }
}

/** The same with all of so many answers. */
export async function readOverAnswers(dialogue: Dialogue, answers: number, budget: DrainBudget): Promise<void> {
  const { wire } = dialogue;
  try {
    for (let left = answers; left > 0 && wire.ended === undefined; left--) {
      const answer = await dialogue.answer();
      if (answer.status === "ok") await readOver(wire, new DotDecoder(), budget);
      else dialogue.unexpected(answer);
    }
  } catch {
    // The wire knows.
  }
}
