import {
  type BlobPointer,
  type FolderLedger,
  type MailEvent,
  type MessageAdded,
  type MessageQuarantined,
  parseMessageKey,
  unaccounted,
} from "@mailfleet/core";

/** One message in one folder, from its arrival until it left, as the server knows it. */
export interface AuditedMessage {
  /** For the report. */
  readonly what: string;
  readonly tenant: string;
  readonly mailbox: string;
  /** Of its bytes, lower-case hex. */
  readonly sha256: string;
  /** Every name it had; the same name may have been another message's before, after a restore. */
  readonly names: readonly AuditedName[];
  readonly isThere: boolean;
  /** Left out by a rule, or in a folder that is no mail: must not be handed off. */
  readonly isExcluded: boolean;
  /** The server hid or withheld it for a while: it may come out of its order. */
  readonly mayComeLate: boolean;
  /** Absent where the server has no flags. */
  readonly flags?: readonly string[];
}

/** By its UID, or over POP3 by its UIDL. */
export type AuditedName =
  | { readonly folder: string; readonly uidValidity: string; readonly uid: number }
  | { readonly folder: string; readonly uidl: string };

export interface AuditInput {
  readonly truth: readonly AuditedMessage[];
  /** Everything that ever entered the queue, in that order. */
  readonly history: readonly MailEvent[];
  /** Event ids that were put on the queue when they were there or had been there. */
  readonly repeatedIds: readonly string[];
  /** Of each folder, by a name for the report. */
  readonly ledgers: ReadonlyMap<string, FolderLedger>;
  /** Whether a pointer's bytes are there and are what their hash says. */
  readonly isDurable: (pointer: BlobPointer) => boolean;
}

export type ViolationKind =
  /** The server lists it and nobody was told of it. */
  | "lost"
  /** One message was handed off twice, or one event was. */
  | "twice"
  /** Something was told that the server never held, or that contradicts what was told before. */
  | "unexpected"
  | "out-of-order"
  /** An event points to bytes that are not there. */
  | "half-written"
  /** Who follows the events ends with other flags or other messages than the server has. */
  | "stale"
  /** The ledger does not add up, or says that something is left to do. */
  | "unaccounted";

export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
}

/** What a consumer knows of a message by its events. */
interface Told {
  readonly message: AuditedMessage;
  /** Under which name it was told. */
  readonly name: string;
  flags: readonly string[];
  isRemoved: boolean;
  change: number;
}

/**
 * Compares what a mail server holds with everything that was handed off, by following the events as a consumer would. Knows nothing of
 * the engine: neither its checkpoints nor its plans. For histories that ended: nothing is under way any more.
 */
export function audit(input: AuditInput): readonly Violation[] {
  const violations: Violation[] = [];
  const report = (kind: ViolationKind, text: string): void => void violations.push({ kind, text });
  for (const id of input.repeatedIds) report("twice", `${id} was put on the queue again`);
  const told = follow(input, report);
  compareEnd(input.truth, told, report);
  for (const [name, ledger] of input.ledgers) {
    if (unaccounted(ledger) !== 0) report("unaccounted", `${name}: ${JSON.stringify(ledger)}`);
    else if (ledger.toDo !== 0) report("unaccounted", `${name}: ${ledger.toDo} left to do when everything had ended`);
  }
  return violations;
}

type Report = (kind: ViolationKind, text: string) => void;

/** Replays the history as a consumer does: key -> message. */
function follow(input: AuditInput, report: Report): ReadonlyMap<string, Told> {
  const byName = new Map<string, AuditedMessage[]>();
  for (const message of input.truth) {
    for (const one of message.names) {
      const name = nameOf(message.tenant, message.mailbox, one);
      byName.set(name, [...(byName.get(name) ?? []), message]);
    }
  }
  const told = new Map<string, Told>();
  const handedOff = new Set<AuditedMessage>();
  const newestFresh = new Map<string, number>();
  const candidates = (event: NamedEvent): readonly AuditedMessage[] => byName.get(nameOfEvent(event)) ?? [];

  const begin = (event: MessageAdded | MessageQuarantined): void => {
    const named = candidates(event);
    // Of a message that is set aside the bytes may be missing or cut, so its name must do.
    const message =
      named.find(({ sha256 }) => sha256 === event.raw?.sha256) ??
      (event.type === "message.quarantined" ? (named.find((one) => !handedOff.has(one)) ?? named[0]) : undefined);
    if (!message) return report("unexpected", `${event.key}: the server never held such a message`);
    if (message.isExcluded) report("unexpected", `${event.key}: ${message.what} is left out by a rule`);
    if (told.has(event.key)) report("twice", `${event.key}: the key was handed off before`);
    // What was never delivered cannot be known again after a reset: its old key is told as removed.
    if (handedOff.has(message) && event.raw !== undefined)
      report("twice", `${event.key}: ${message.what} was handed off before under another key`);
    handedOff.add(message);
    told.set(event.key, { message, name: nameOfEvent(event), flags: event.flags, isRemoved: false, change: 0 });
    if (event.lane === "fresh" && !message.mayComeLate) {
      const generation = event.key.slice(0, event.key.lastIndexOf("/"));
      const uid = Number(event.key.slice(generation.length + 1));
      if (uid < (newestFresh.get(generation) ?? 0)) report("out-of-order", `${event.key}: after UID ${newestFresh.get(generation)}`);
      newestFresh.set(generation, Math.max(uid, newestFresh.get(generation) ?? 0));
    }
    for (const pointer of pointersOf(event)) {
      if (!input.isDurable(pointer)) report("half-written", `${event.key}: the bytes of ${pointer.ref} are not there`);
    }
  };

  for (const event of input.history) {
    switch (event.type) {
      case "message.added":
      case "message.quarantined":
        begin(event);
        break;
      case "message.flags":
      case "message.removed": {
        const before = told.get(event.key);
        if (!before) {
          report("unexpected", `${event.type} of ${event.key}, which was never handed off`);
          break;
        }
        if (event.change <= before.change) report("out-of-order", `${event.type} of ${event.key}: change ${event.change}`);
        const isBack = event.type === "message.flags" && event.isBack === true;
        if (before.isRemoved !== isBack)
          report("unexpected", `${event.type} of ${event.key}, which ${before.isRemoved ? "is" : "is not"} gone`);
        before.change = event.change;
        before.isRemoved = event.type === "message.removed";
        if (event.type === "message.flags") before.flags = event.flags;
        break;
      }
      case "message.rekeyed": {
        const before = told.get(event.previousKey);
        if (!before || before.isRemoved) {
          report("unexpected", `${event.key} is said to be ${event.previousKey}, which ${before ? "is gone" : "was never handed off"}`);
          break;
        }
        // Two equal copies may change places.
        const message = candidates(event).find(({ sha256 }) => sha256 === before.message.sha256);
        if (!message) report("unexpected", `${event.key} is said to be ${event.previousKey}, which is ${before.message.what}`);
        if (told.has(event.key)) report("twice", `${event.key}: the key was handed off before`);
        told.delete(event.previousKey);
        told.set(event.key, {
          message: message ?? before.message,
          name: nameOfEvent(event),
          flags: event.flags,
          isRemoved: false,
          change: 0,
        });
        if (event.raw && !input.isDurable(event.raw)) report("half-written", `${event.key}: the bytes of ${event.raw.ref} are not there`);
        break;
      }
      case "folder.reset":
      case "mailbox.parked":
      case "mailbox.resumed":
        break;
    }
  }
  return told;
}

/** Who followed the events must know what the server has, each message once and with its flags. */
function compareEnd(truth: readonly AuditedMessage[], told: ReadonlyMap<string, Told>, report: Report): void {
  const known = new Map<AuditedMessage, { key: string; told: Told }[]>();
  for (const [key, one] of told) known.set(one.message, [...(known.get(one.message) ?? []), { key, told: one }]);
  for (const message of truth) {
    const all = known.get(message) ?? [];
    const present = all.filter((one) => !one.told.isRemoved);
    if (!message.isThere || message.isExcluded) {
      for (const { key } of message.isExcluded ? [] : present) report("stale", `${key}: ${message.what} is gone and nobody was told`);
      continue;
    }
    const [one, another] = present;
    if (another) report("twice", `${message.what} is known as ${present.map(({ key }) => key).join(" and ")}`);
    else if (!one && all.length > 0) report("stale", `${message.what} is there and was told as removed`);
    else if (!one) report("lost", message.what);
    else if (one.told.name !== presentName(message)) report("stale", `${one.key}: ${message.what} has another name now`);
    else if (message.flags && !sameFlags(message.flags, one.told.flags)) {
      report("stale", `${one.key}: told with ${one.told.flags.join(" ") || "no flags"}, has ${message.flags.join(" ") || "none"}`);
    }
  }
}

/** Every claim check of an event. */
export function pointersOf(event: MessageAdded | MessageQuarantined): readonly BlobPointer[] {
  if (event.type === "message.quarantined") return event.raw ? [event.raw] : [];
  const { textRef, htmlRef, overflow, attachments } = event.message;
  return [event.raw, textRef, htmlRef, overflow, ...attachments].filter((one) => one !== undefined);
}

function sameFlags(a: readonly string[], b: readonly string[]): boolean {
  const clean = (flags: readonly string[]): string[] => flags.filter((flag) => flag.toLowerCase() !== "\\recent").sort();
  return clean(a).join(" ") === clean(b).join(" ");
}

interface NamedEvent {
  readonly key: string;
  readonly uidl?: string;
}

function nameOfEvent({ key, uidl }: NamedEvent): string {
  const named = parseMessageKey(key);
  if (named === undefined) throw new Error(`${key} is no key of a message`);
  return nameOf(named.tenant, named.address, uidl === undefined ? named : { folder: named.folder, uidl });
}

function presentName({ tenant, mailbox, names }: AuditedMessage): string | undefined {
  const last = names.at(-1);
  return last && nameOf(tenant, mailbox, last);
}

function nameOf(tenant: string, mailbox: string, name: AuditedName): string {
  return [tenant, mailbox, name.folder, ...("uidl" in name ? ["UIDL", name.uidl] : [name.uidValidity, name.uid])].join("\n");
}
