import type { ReissueOutcome } from "../replay-ports.ts";
import { formatCount, formatCounted } from "./numbers.ts";

export interface ReplayFacts {
  readonly chosen: number;
  readonly outcomes: Readonly<Record<ReissueOutcome, number>>;
  readonly failed: number;
  readonly quarantined: number;
  readonly readNow: number;
  readonly leftOut: number;
}

/** `142 messages replayed: 140 put on the queue, 1 dead letter got fresh attempts, 1 waits there anyway.` */
export function replaySentence({ outcomes }: ReplayFacts): string {
  const { added, retried, waiting } = outcomes;
  const parts = [
    `${formatCount(added)} put on the queue`,
    ...(retried > 0 ? [`${formatCounted(retried, "dead letter")} got fresh attempts`] : []),
    ...(waiting > 0 ? [`${formatCount(waiting)} ${waiting === 1 ? "waits" : "wait"} there anyway`] : []),
  ];
  return `${formatCounted(added + retried + waiting, "message")} replayed: ${parts.join(", ")}.`;
}

/** What else is to be known of a replay: one sentence each. */
export function replayNotes({ quarantined, readNow, leftOut }: ReplayFacts): string[] {
  const notes: string[] = [];
  if (readNow > 0) notes.push(`${formatCounted(readNow, "message")} that had been set aside could be read now.`);
  if (quarantined > 0) notes.push(`${formatCounted(quarantined, "message")} went out as set aside once more.`);
  if (leftOut > 0)
    notes.push(
      `${formatCounted(leftOut, "message")} no longer on the server ${leftOut === 1 ? "was" : "were"} left out; --removed takes ${leftOut === 1 ? "it" : "them"} too.`,
    );
  return notes;
}

export interface LetterOutcomeFacts {
  readonly done: number;
  readonly gone: number;
  readonly moved: number;
}

/** What was done with letters, and what was left alone because it is no longer as it was listed. */
export function lettersDoneSentence(verb: "replay" | "discard", isDryRun: boolean, { done, gone, moved }: LetterOutcomeFacts): string {
  const letters = formatCounted(done, "letter");
  const what =
    verb === "replay"
      ? isDryRun
        ? `${letters} would get fresh attempts`
        : `${letters} got fresh attempts`
      : isDryRun
        ? `${letters} would be discarded`
        : `${letters} ${done === 1 ? "was" : "were"} discarded`;
  const left = [
    ...(gone > 0 ? [`${formatCount(gone)} ${gone === 1 ? "is" : "are"} no longer in the queue`] : []),
    ...(moved > 0 ? [`${formatCount(moved)} moved on since ${moved === 1 ? "it was" : "they were"} listed`] : []),
  ];
  return `${what}${left.length > 0 ? `; ${left.join(", ")}, left alone` : ""}.`;
}

export interface RestoreFacts {
  /** Messages that are on the queue again. */
  readonly putBack: number;
  readonly failed: number;
  /** Events that are no messages, and messages of which nothing is stored any more. */
  readonly others: number;
}

/** `2 messages put back, 1 was no message, or is stored no more`: of letters that had been discarded. */
export function restoredWords({ putBack, failed, others }: RestoreFacts): string {
  return [
    `${formatCounted(putBack, "message")} put back`,
    ...(failed > 0 ? [`${formatCount(failed)} could not be read`] : []),
    ...(others > 0 ? [`${formatCount(others)} ${others === 1 ? "was no message, or is" : "were no messages, or are"} stored no more`] : []),
  ].join(", ");
}
