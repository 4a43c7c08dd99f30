import { type BlobStore, type LetterFacts, type MailboxRef, type MailboxStore, quarantineText } from "@mailfleet/core";
import { readStored, storedPlaces } from "./stored-messages.ts";

/** A message that was set aside, as a dead letter. */
export interface SetAsideLetter extends LetterFacts {
  readonly kind: "message";
  /** The message's key. */
  readonly id: string;
}

/** Messages that were set aside, of these mailboxes, whose ledger should count some. */
export async function* setAsideLetters(
  { blobs, store }: { readonly blobs: BlobStore; readonly store: Pick<MailboxStore, "load"> },
  mailboxes: Iterable<MailboxRef>,
): AsyncGenerator<SetAsideLetter, void, void> {
  const choice = { onlyQuarantined: true };
  for (const mailbox of mailboxes) {
    for (const place of await storedPlaces(blobs, mailbox, await store.load(mailbox), choice)) {
      for await (const { key, entries } of readStored(blobs, mailbox, place, choice)) {
        const code = entries[0]?.quarantine;
        const text = code === undefined ? "set aside, and no bytes of it are known here" : quarantineText(code);
        yield { owner: { kind: "message" }, text, kind: "message", id: key };
      }
    }
  }
}
