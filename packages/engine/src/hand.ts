import {
  countUids,
  findSuspect,
  hasUid,
  type InHand,
  type Lease,
  type MailboxState,
  type Suspect,
  suspectsAfter,
  syncError,
} from "@mailfleet/core";
import { accountedFor, type FolderWork } from "./folder-work.ts";
import type { EnginePorts } from "./ports.ts";

/**
 * What this session has in hand, told to the store before it is parsed, and the messages that were in hand when a worker died (T27).
 * A commit empties the hand, and so does the settlement; only a death leaves something in it.
 */
export class Hand {
  readonly #ports: EnginePorts;
  readonly #lease: Lease;
  #suspects: readonly Suspect[];

  private constructor(ports: EnginePorts, lease: Lease, suspects: readonly Suspect[]) {
    this.#ports = ports;
    this.#lease = lease;
    this.#suspects = suspects;
  }

  /** Takes over what the sessions before left. @throws SyncError LEASE_LOST */
  static async takeOver(ports: EnginePorts, lease: Lease, state: MailboxState): Promise<Hand> {
    const { inHand, suspects } = state.hand;
    const hand = new Hand(
      ports,
      lease,
      suspects.length === 0 && !inHand ? [] : stillOpen(state, inHand ? suspectsAfter(inHand, suspects) : suspects),
    );
    if (inHand) {
      ports.log.warn(
        { mailbox: lease.mailbox.address, folder: inHand.folder, count: countUids(inHand.uids), step: inHand.step },
        "a worker died with messages in hand; they are handled one by one now",
      );
    }
    if (inHand || hand.#suspects.length < suspects.length) await hand.#note(undefined);
    return hand;
  }

  suspectOf(work: FolderWork, uid: number): Suspect | undefined {
    if (this.#suspects.length === 0 || !work.checkpoint) return undefined;
    return findSuspect(this.#suspects, work.path, work.checkpoint.generation, uid);
  }

  /** @throws SyncError LEASE_LOST */
  take(inHand: InHand): Promise<void> {
    return this.#note(inHand);
  }

  /** What was parsed killed nobody. @throws SyncError LEASE_LOST */
  empty(): Promise<void> {
    return this.#note(undefined);
  }

  /** It is settled what became of the message. @throws SyncError LEASE_LOST */
  async clear(suspect: Suspect): Promise<void> {
    this.#suspects = this.#suspects.filter((one) => one !== suspect);
    await this.#note(undefined);
  }

  async #note(inHand: InHand | undefined): Promise<void> {
    if (await this.#ports.store.noteInHand(this.#lease, { suspects: this.#suspects, ...(inHand && { inHand }) })) return;
    throw syncError("LEASE_LOST", "Another worker holds the lease by now; nothing of this batch was written.", { layer: "engine" });
  }
}

/** What `planFolder` begins a folder with that nothing is stored of. */
const firstGeneration = 1;

/** Those of which it is not settled yet what becomes of them. */
function stillOpen(state: MailboxState, suspects: readonly Suspect[]): readonly Suspect[] {
  return suspects.filter(({ folder, generation, uid }) => {
    const stored = state.folders.get(folder);
    // A folder's first batch is stored with its beginning: a worker that dies of it leaves no checkpoint behind.
    if (stored === undefined) return generation === firstGeneration;
    const { checkpoint } = stored;
    return checkpoint?.generation === generation && !hasUid(accountedFor({ ...checkpoint, retry: [] }), uid);
  });
}
