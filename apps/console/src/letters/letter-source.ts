import { type BlobStore, consumerLetter, type LetterFacts, type MailboxRef, type MailboxStore } from "@mailfleet/core";
import type { DeadLetters } from "@mailfleet/queue";
import type { ListedLetter } from "./letter-desk.ts";

export interface LetterPorts {
  readonly jobs: DeadLetters;
  readonly blobs: BlobStore;
  readonly store: Pick<MailboxStore, "load">;
  readonly scrub: (text: string) => string;
  /** Those whose ledger counts messages that were set aside. */
  readonly quarantined: () => Iterable<MailboxRef>;
}

/** Everything that failed: letters of the queue up to a time, and messages that were set aside. The same as `dead-letters list` has. */
export async function* lettersOf(
  { jobs, blobs, store, scrub, quarantined }: LetterPorts,
  upTo: number,
): AsyncGenerator<LetterFacts & Pick<ListedLetter, "kind" | "id">, void, void> {
  for await (const page of jobs.pages(upTo)) {
    for (const letter of page) yield { ...consumerLetter(letter, scrub), kind: "job", id: letter.id };
  }
  const { setAsideLetters } = await import("@mailfleet/engine");
  yield* setAsideLetters({ blobs, store }, quarantined());
}
