import { createHash } from "node:crypto";
import {
  type FolderCheckpoint,
  type FolderLedger,
  hasUid,
  joinJson,
  limits,
  type MailboxRef,
  type MailEvent,
  type Protocol,
  matchesFolder,
  messageKey,
  presentUids,
  spoolUidValidity,
  type SessionFeatures,
  uidSetOf,
  unaccounted,
  uniteUids,
} from "@mailfleet/core";
import { createByteBudget, type SyncSettings } from "@mailfleet/engine";
import { systemDigest } from "@mailfleet/runtime";
import {
  type AppliedCommit,
  audit,
  type AuditedMessage,
  type AuditedName,
  createMemoryBlobStore,
  createMemoryFleet,
  createMemoryMailServer,
  createMemoryTokenSource,
  type FakeClock,
  createMemorySignals,
  fakeClock,
  type MemoryBlobStore,
  type MemoryFleet,
  type MemoryMailbox,
  type MessageName,
  noSlots,
  plainParser,
  pointersOf,
  seededChance,
  silentLog,
} from "@mailfleet/testkit";
import { type CrashPlan, CrashingWorker } from "./crashing-worker.ts";

export interface WorldOptions {
  readonly protocol?: Protocol;
  /** What a spool calls the message of a UID; default: the UID, as Exchange does. */
  readonly uidlOf?: (uid: number) => string;
  /** A spool's count tells hidden messages too, which its list leaves out. */
  readonly countsHidden?: boolean;
  /** A spool's list begins with the newest. */
  readonly isNewestFirst?: boolean;
  readonly features?: Partial<SessionFeatures>;
  readonly settings?: Partial<SyncSettings>;
  readonly seed?: number;
}

/** A poll is longer than every pause of the flow: what a session owes is due in the next one. */
const pollMs = 20 * 60_000;

export const calm: SyncSettings = {
  pollMs,
  freshWithinMs: 2 * pollMs,
  backfill: true,
  folders: { include: ["*"], exclude: ["Junk*"] },
  slice: { messages: 1_000, bytes: 64e6, seconds: 20 },
  smallHistory: { messages: limits.smallHistoryMessages, bytes: limits.smallHistoryBytes },
  // Folders come and go between two polls, and are to be noticed by the second.
  listMs: 0,
  compare: { recentMs: pollMs / 2, wholeMs: 86_400_000, recentUids: 500 },
};

/** One mailbox, the fleet's state, and nothing real: each run begins in the same moment and is the same. */
export class CrashWorld {
  readonly clock: FakeClock = fakeClock();
  readonly settings: SyncSettings;
  mailbox: MailboxRef;
  readonly mail: MemoryMailbox;
  readonly blobs: MemoryBlobStore = createMemoryBlobStore();
  readonly fleet: MemoryFleet;
  /** What was wrong at a commit, when nothing need have been wrong at the end. */
  readonly broken: string[] = [];
  /** Changes of the mailbox that are still to come: the server's own, not anybody's session's. */
  readonly #later: { readonly at: number; readonly change: () => void }[] = [];
  readonly #told = new Set<string>();
  readonly #last = new Map<string, { readonly checkpoint: FolderCheckpoint; readonly ledger: FolderLedger }>();
  readonly #source: ReturnType<typeof createMemoryMailServer>["source"];
  readonly #uidlOf: (uid: number) => string;
  /** Never read over IMAP: then nobody knows of other folders than INBOX. */
  #isSpoolOnly: boolean;
  #serial = 0;
  /** The newest message that there was at first sight. */
  #historyUpTo = 0;

  constructor(options: WorldOptions = {}) {
    this.settings = { ...calm, ...options.settings };
    this.mailbox = { tenant: "contoso", address: "support@contoso.example", protocol: options.protocol ?? "imap" };
    this.#isSpoolOnly = this.mailbox.protocol === "pop3";
    this.#uidlOf = options.uidlOf ?? String;
    const server = createMemoryMailServer({
      clock: this.clock,
      uidlOf: this.#uidlOf,
      countsHidden: options.countsHidden === true,
      isNewestFirst: options.isNewestFirst === true,
      ...(options.features && { features: options.features }),
    });
    this.#source = server.source;
    this.mail = server.addMailbox(this.mailbox.address);
    const chance = seededChance(options.seed ?? 5);
    this.fleet = createMemoryFleet({ clock: this.clock, chance, onCommit: (commit) => this.#checkCommit(commit) });
    this.fleet.register(this.mailbox);
  }

  worker(
    plan?: CrashPlan,
    more: { isDeferred?: boolean | undefined; turn?: ((effect: number) => Promise<void>) | undefined } = {},
  ): CrashingWorker {
    const ports = {
      clock: this.clock,
      chance: seededChance(++this.#serial * 1_000),
      digest: systemDigest,
      log: silentLog,
      tokens: createMemoryTokenSource(() => this.clock.now()),
      mail: this.#source,
      blobs: this.blobs,
      mime: plainParser,
      gate: { shouldYield: () => Promise.resolve(false), isDraining: () => false },
      bytes: createByteBudget(64e6),
      slots: noSlots,
      signals: createMemorySignals(this.clock),
    };
    return new CrashingWorker({ process: this.fleet.process(), ports, plan, ...more });
  }

  /** Mail that is no other's; `lines` are added to its header. */
  message(name: string, lines: readonly string[] = []): Buffer {
    return Buffer.from([`Subject: ${name}`, `Message-ID: <${name}@mail.example>`, ...lines, "", `Text of ${name}.`, ""].join("\r\n"));
  }

  /** Its protocol is another one in the configuration from now on. */
  moveTo(protocol: Protocol): void {
    this.#isSpoolOnly = false;
    this.mailbox = { ...this.mailbox, protocol };
    this.fleet.register(this.mailbox);
  }

  /** Everything that is there now is history, which is left out where it is not wanted. */
  noteHistory(): void {
    this.#historyUpTo = this.settings.backfill ? 0 : this.mail.truth().length;
  }

  /** @param inMs from now on, by the clock; it happens between two sessions */
  later(inMs: number, change: () => void): void {
    this.#later.push({ at: this.clock.now() + inMs, change });
  }

  runLater(): void {
    for (const one of this.#later.filter(({ at }) => at <= this.clock.now())) {
      this.#later.splice(this.#later.indexOf(one), 1);
      one.change();
    }
  }

  get isStill(): boolean {
    return this.#later.length === 0;
  }

  get history(): readonly MailEvent[] {
    return this.fleet.jobs.map((job) => JSON.parse(job.json) as MailEvent);
  }

  /** Folder -> what is stored of it. */
  checkpoints(): ReadonlyMap<string, { readonly checkpoint: FolderCheckpoint; readonly ledger: FolderLedger }> {
    return this.#last;
  }

  /** Whether any folder owes something that time alone brings. */
  get isOwed(): boolean {
    const isSeen = (folder: string): boolean => this.mailbox.protocol === "imap" || folder === "INBOX";
    return [...this.checkpoints()].some(
      ([folder, { checkpoint }]) =>
        isSeen(folder) &&
        (checkpoint.retry.length > 0 ||
          checkpoint.recheck !== undefined ||
          checkpoint.vanished !== undefined ||
          checkpoint.previous.length > 0 ||
          (checkpoint.unlisted !== undefined && presentUids(checkpoint).length > 0)),
    );
  }

  truth(): readonly AuditedMessage[] {
    const isSpool = this.mailbox.protocol === "pop3";
    const hasSeen = (folder: string): boolean => !this.#isSpoolOnly || folder === "INBOX";
    const uidlsOf = (names: readonly MessageName[]): AuditedName[] =>
      names.filter(({ folder }) => folder === "INBOX").map(({ folder, uid }) => ({ folder, uidl: this.#uidlOf(uid) }));
    const dealt = new Set<string>();
    return this.mail.truth().map((message) => {
      // Its number was another message's before. Where the counts stayed as they were, nobody can know until the messages are compared.
      const name = JSON.stringify(message.names.at(-1));
      const isDealtAgain = dealt.has(name);
      dealt.add(name);
      const folder = message.names.at(-1)?.folder ?? "";
      const isRuledOut = this.settings.folders.exclude.some((pattern) => matchesFolder(pattern, folder)) || folder === "Calendar";
      return {
        what: `message ${message.serial} (${folder} ${message.names.at(-1)?.uid})`,
        tenant: this.mailbox.tenant,
        mailbox: this.mailbox.address,
        sha256: hashOf(message.raw),
        // As the protocol names it now, last; as the other one did, where the mailbox was moved.
        names: isSpool ? [...message.names, ...uidlsOf(message.names)] : [...uidlsOf(message.names), ...message.names],
        isThere: message.isThere && !message.isHidden,
        isExcluded: isRuledOut || !hasSeen(folder) || message.serial <= this.#historyUpTo,
        mayComeLate: message.wasLate || isDealtAgain,
        ...(!isSpool && { flags: message.flags }),
      };
    });
  }

  /** Everything that is wrong, as sentences. */
  problems(): readonly string[] {
    const ledgers = new Map([...this.checkpoints()].map(([folder, { ledger }]) => [folder, ledger]));
    ledgers.set("the mailbox", this.fleet.facts(this.mailbox).ledger);
    ledgers.set("the tenant", this.fleet.tenantLedger(this.mailbox.tenant));
    ledgers.set("the fleet", this.fleet.fleetLedger());
    const { repeatedIds } = this.fleet;
    const found = audit({
      ...{ truth: this.truth(), history: this.history, repeatedIds, ledgers },
      isDurable: (pointer) => this.blobs.isDurable(pointer),
    });
    return [...this.broken, ...found.map(({ kind, text }) => `${kind}: ${text}`)];
  }

  /**
   * At every commit: what a checkpoint covers was told, what it claims to be done was told or is owed, events point to durable bytes,
   * and the ledger adds up.
   */
  #checkCommit({ folder, checkpoint, ledger, events }: AppliedCommit): void {
    this.#last.set(folder, { checkpoint, ledger });
    const { tenant, address } = this.mailbox;
    for (const { json } of events) {
      const event = JSON.parse(joinJson(json)) as MailEvent;
      if (event.type === "message.added" || event.type === "message.quarantined") {
        for (const pointer of pointersOf(event)) {
          if (!this.blobs.isDurable(pointer)) this.broken.push(`half-written: ${event.key} was committed before its bytes were durable`);
        }
      }
      if (event.type === "message.added" || event.type === "message.quarantined" || event.type === "message.rekeyed")
        this.#told.add(event.key);
    }
    const { generation, uidValidity } = checkpoint;
    const keyOf = (uid: number): string => messageKey({ tenant, address, folder, generation, uidValidity, uid });
    const covered = uniteUids(checkpoint.handedOff, checkpoint.quarantined);
    for (const [low, high] of covered) {
      for (let uid = low; uid <= high; uid++) {
        if (!this.#told.has(keyOf(uid))) this.broken.push(`lost: the checkpoint of ${folder} covers ${uid}, which was never handed off`);
      }
    }
    const owed = uniteUids(covered, uidSetOf(checkpoint.retry.map(({ uid }) => uid)));
    for (const { what, names, isThere, isExcluded, mayComeLate } of this.truth()) {
      const name = names.at(-1);
      if (!isThere || isExcluded || mayComeLate || checkpoint.isExcluded || name?.folder !== folder) continue;
      const uid = "uid" in name ? (name.uidValidity === uidValidity ? name.uid : undefined) : numberOf(checkpoint, name.uidl);
      if (uid === undefined || uid < checkpoint.backfillBelow || uid >= checkpoint.uidNext || uid < checkpoint.excludedBelow) continue;
      if (!hasUid(owed, uid)) this.broken.push(`lost: the checkpoint of ${folder} claims to be past ${what}`);
    }
    if (unaccounted(ledger) !== 0) this.broken.push(`unaccounted: ${folder} ${JSON.stringify(ledger)}`);
  }
}

/** Of a message of a spool, under the numbers of a checkpoint. */
function numberOf({ uidValidity, uidls }: FolderCheckpoint, uidl: string): number | undefined {
  if (uidValidity === spoolUidValidity.ownNumbers) return Number(uidl);
  const at = uidls?.uidls.indexOf(uidl) ?? -1;
  return uidValidity === spoolUidValidity.dealtNumbers && at !== -1 ? at + 1 : undefined;
}

const hashes = new WeakMap<Uint8Array, string>();

function hashOf(raw: Uint8Array): string {
  const known = hashes.get(raw) ?? createHash("sha256").update(raw).digest("hex");
  hashes.set(raw, known);
  return known;
}

/** Longer than any lease lasts without its holder. */
export const pastLeaseMs = limits.leaseMs + 1_000;
