import type { FaultTarget } from "../faults/fault-spec.ts";
import type { MailServices } from "../mail/services.ts";
import type { Folder } from "../store/folder.ts";
import type { Mailbox } from "../store/mail-store.ts";
import { hashNumbers } from "../world/random.ts";

/** A message as a session has it: its numbers stay as they are whatever happens to the folder. */
export interface MaildropMessage {
  readonly uid: number;
  readonly uidl: string;
  /** Bytes in the store, which are not those that RETR sends. */
  readonly size: number;
}

/** INBOX as it was at the first command that asked for messages. Several sessions have each their own. */
export class Maildrop {
  readonly folder: Folder;
  /** By message number, from 1. */
  readonly #messages: readonly MaildropMessage[];
  readonly #unwatch: () => void;
  readonly #deleted = new Set<number>();
  readonly #retrieved = new Set<number>();
  #isInvalid = false;

  /** @throws RangeError for a mailbox without INBOX */
  constructor({ services, mailbox, place }: { services: MailServices; mailbox: Mailbox; place: FaultTarget }) {
    this.folder = services.store.must(mailbox.address, "INBOX");
    this.#messages = listMessages(services, this.folder, { ...place, folder: this.folder.name });
    this.#unwatch = this.folder.watch((change) => {
      if (change.kind === "invalid") this.#isInvalid = true;
    });
  }

  /** The folder was restored or numbered anew: nothing in this list holds any more. */
  get isInvalid(): boolean {
    return this.#isInvalid;
  }

  /** Messages that were listed and not deleted here, by number. */
  *entries(): Generator<readonly [number: number, message: MaildropMessage]> {
    for (const [at, message] of this.#messages.entries()) if (!this.#deleted.has(at + 1)) yield [at + 1, message];
  }

  get count(): number {
    return this.#messages.length - this.#deleted.size;
  }

  get bytes(): number {
    let sum = 0;
    for (const [, { size }] of this.entries()) sum += size;
    return sum;
  }

  /** Undefined for a number that is not there, or whose message was deleted here. */
  at(number: number): MaildropMessage | undefined {
    return this.#deleted.has(number) ? undefined : this.#messages[number - 1];
  }

  delete(number: number): void {
    this.#deleted.add(number);
  }

  undelete(): void {
    this.#deleted.clear();
  }

  markRetrieved(uid: number): void {
    this.#retrieved.add(uid);
  }

  /** What QUIT does to the folder. */
  get changes(): { readonly seen: readonly number[]; readonly deleted: readonly number[] } {
    return {
      seen: [...this.#retrieved],
      deleted: [...this.#deleted].flatMap((number) => this.#messages[number - 1]?.uid ?? []),
    };
  }

  close(): void {
    this.#unwatch();
  }
}

function listMessages({ faults }: MailServices, folder: Folder, place: FaultTarget): MaildropMessage[] {
  const hasHidden = faults.isOrdered("message-hidden");
  const hasLegacy = faults.isOrdered("uidl-legacy");
  const hasFactor = faults.isOrdered("size-factor");
  const hasPadded = faults.isOrdered("padded");
  const vanishing = faults.strike("uidl-vanish", place)?.number("percent") ?? 0;
  const messages: { uid: number; uidl: string; size: number }[] = [];
  for (const uid of folder.uids) {
    const at = hasHidden || hasLegacy || hasFactor || hasPadded ? { ...place, uid } : place;
    if (hasHidden && faults.holds("message-hidden", at)) continue;
    if (vanishing > 0 && hashNumbers(folder.uidValidity, uid) % 100 < vanishing) continue;
    const factor = hasFactor ? (faults.holds("size-factor", at)?.number("factor") ?? 1) : 1;
    const padded = hasPadded ? faults.holds("padded", at) : undefined;
    const size = padded ? padded.number("announced") || padded.number("bytes") : Math.round(folder.size(uid) * factor);
    const isLegacy = hasLegacy && faults.holds("uidl-legacy", at, ({ target }) => target.uid !== undefined || uid % 3 === 0) !== undefined;
    messages.push({ uid, uidl: isLegacy ? legacyUidl(folder, uid) : String(uid), size });
  }
  const last = messages.at(-1);
  const before = messages.at(-2);
  if (last && before && faults.strike("uidl-duplicate", place)) last.uidl = before.uidl;
  const long = last && faults.strike("uidl-too-long", place);
  if (long) last.uidl = last.uidl.padStart(long.number("characters"), "0");
  return faults.holds("list-reversed", place) ? messages.reverse() : messages;
}

/** Longer than any number, and the same in each session. */
function legacyUidl({ base, uidValidity }: Folder, uid: number): string {
  const part = (salt: number): string =>
    hashNumbers(base.uidValidity + salt, uid)
      .toString(16)
      .padStart(8, "0")
      .toUpperCase();
  return `${part(1)}${part(2)}-${String(uidValidity)}-${part(3)}${part(4)}`;
}
