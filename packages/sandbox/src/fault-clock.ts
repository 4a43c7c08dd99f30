import type { FaultBook } from "./faults/fault-book.ts";
import type { ActiveFault } from "./faults/fault-spec.ts";
import type { MailControls } from "./mail-controls.ts";
import type { MailStore } from "./store/mail-store.ts";

/** How late an order may be that begins by itself. */
const lookEveryMs = 50;

export interface FaultClockOptions {
  readonly faults: FaultBook;
  readonly store: MailStore;
  readonly controls: Pick<MailControls, "createFolder" | "expunge" | "plant" | "resetUidValidity" | "restore">;
  /** Lets sessions look at what they do not wait for. */
  readonly lookAround: () => void;
}

export interface FaultClock {
  /** For a new order that may begin at once. */
  readonly look: () => void;
  readonly stop: () => void;
}

/** Carries out the orders that are events of their own, and not answers to a command. */
export function startFaultClock({ faults, store, controls, lookAround }: FaultClockOptions): FaultClock {
  const look = (): void => {
    for (const order of faults.take("uidvalidity-bump"))
      for (const [address, folder] of foldersOf(store, order)) controls.resetUidValidity(address, folder);
    for (const order of faults.take("uidnext-rollback"))
      for (const [address, folder] of foldersOf(store, order, "INBOX"))
        controls.restore(address, folder, store.must(address, folder).uids.slice(0, -order.number("messages")));
    for (const order of faults.take("uidl-reused"))
      for (const address of mailboxesOf(store, order)) reuseUids(store, controls, address, order.number("messages"));
    for (const order of faults.take("folders-many"))
      for (const address of mailboxesOf(store, order))
        for (let n = 1; n <= order.number("count"); n++) {
          const name = `Folder ${String(n).padStart(5, "0")}`;
          if (!store.folder(address, name)) controls.createFolder(address, name);
        }
    if (faults.isOrdered("token-expiry") || faults.isOrdered("session-invalidated")) lookAround();
  };
  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}

/** Other messages under the numbers of the newest, as where mail came in again behind a restore. */
function reuseUids(store: MailStore, { expunge, plant }: FaultClockOptions["controls"], address: string, messages: number): void {
  const lost = store.must(address, "INBOX").uids.slice(-messages);
  expunge(address, "INBOX", lost);
  for (const uid of lost) {
    const id = `reused-${String(uid)}`;
    plant(
      address,
      "INBOX",
      uid,
      Buffer.from(`From: restore@sandbox.example\r\nMessage-ID: <${id}@sandbox.example>\r\nSubject: ${id}\r\n\r\nOther mail.\r\n`),
    );
  }
}

function* foldersOf(store: MailStore, order: ActiveFault, byDefault?: string): Generator<readonly [address: string, folder: string]> {
  const wanted = (order.target.folder ?? byDefault)?.toLowerCase();
  for (const address of mailboxesOf(store, order))
    for (const { name } of store.mailbox(address)?.folders ?? [])
      if (wanted === undefined || name.toLowerCase() === wanted) yield [address, name];
}

function mailboxesOf(store: MailStore, { target }: ActiveFault): readonly string[] {
  return [...store.addresses()].filter(
    (address) =>
      (target.mailbox === undefined || target.mailbox.toLowerCase() === address) &&
      (target.tenant === undefined || target.tenant === store.tenantOf(address)),
  );
}
