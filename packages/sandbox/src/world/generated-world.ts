import type { BaseFolder, ClientProtocol, World, WorldTenant } from "./base-folder.ts";
import { flagBits } from "./base-folder.ts";
import { localPart } from "./addresses.ts";
import { isMailFolder, planFolders } from "./folder-plan.ts";
import type { FolderPlan } from "./folder-plan.ts";
import { hostileBytes, hostileMessage } from "./hostile-messages.ts";
import type { HostileKind } from "./hostile-messages.ts";
import type { MessageGenerator, MessageIdentity } from "./message-generator.ts";
import { rfc5322Date } from "./message-generator.ts";
import { estimateSize, planMessage, stretchFor } from "./message-plan.ts";
import { apportion, hashNumbers, hashText } from "./random.ts";

export interface TenantSpec {
  readonly alias: string;
  readonly mailboxes: number;
  /** In mail folders, over all mailboxes of the tenant. */
  readonly messages: number;
  /** Average length; the default world's is 12 kB. */
  readonly meanBytes?: number;
  /** All mail in INBOX. */
  readonly inboxOnly?: boolean;
  /** What the configuration for mailfleet says; both are served. */
  readonly protocol?: ClientProtocol;
}

/** 60 mailboxes, 12,480 messages: the tenants that the demo shows. */
export const defaultTenants: readonly TenantSpec[] = [
  { alias: "contoso", mailboxes: 40, messages: 8_000 },
  { alias: "fabrikam", mailboxes: 15, messages: 3_600 },
  // POP3 shows the INBOX alone, and the demo hands off all there is.
  { alias: "northwind", mailboxes: 5, messages: 880, inboxOnly: true, protocol: "pop3" },
];

/** `address/folder/index` of the default world's three messages that no guarded parser takes. */
const hostilePlaces: ReadonlyMap<string, HostileKind> = new Map([
  ["support@contoso.example/INBOX/7", "many-parts"],
  ["info@fabrikam.example/INBOX/11", "huge-header"],
  ["sales@northwind.example/INBOX/5", "many-parts"],
]);

/** The newest base message is a little older than this; nothing in the content follows the clock. */
const newestDate = Date.UTC(2026, 10, 20, 17);
const spanMs = 540 * 86_400_000;
const longestThread = 6;

interface MailboxPlan {
  readonly hash: number;
  readonly messages: number;
  readonly stretch: number;
  readonly inboxOnly: boolean;
}

export class GeneratedWorld implements World {
  readonly key: string;
  readonly tenants: readonly WorldTenant[];
  readonly #mailboxes = new Map<string, MailboxPlan>();
  readonly #generator: MessageGenerator;
  readonly #hasHostile: boolean;

  constructor(generator: MessageGenerator, seed: string, specs: readonly TenantSpec[], hasHostile: boolean) {
    this.#generator = generator;
    this.#hasHostile = hasHostile;
    this.key = `invented ${seed} ${JSON.stringify(specs)} ${String(hasHostile)}`;
    this.tenants = specs.map((spec) => this.#plan(seed, spec));
  }

  #plan(seed: string, spec: TenantSpec): WorldTenant {
    const addresses = Array.from({ length: spec.mailboxes }, (_, i) => `${localPart(i, spec.mailboxes)}@${spec.alias}.example`);
    const hashes = addresses.map((address) => hashText(`${seed}/${address}`));
    const counts = apportion(
      spec.messages,
      hashes.map((hash) => 0.4 + ((hash >>> 8) / 0x100_0000) ** 2 * 2),
    );
    const stretch = spec.meanBytes === undefined ? 1 : stretchFor(spec.meanBytes);
    const inboxOnly = spec.inboxOnly ?? false;
    for (const [i, address] of addresses.entries()) {
      this.#mailboxes.set(address, { hash: hashes[i] as number, messages: counts[i] as number, stretch, inboxOnly });
    }
    return { alias: spec.alias, addresses, messages: spec.messages, protocol: spec.protocol ?? "imap" };
  }

  folders(address: string): readonly BaseFolder[] | undefined {
    const mailbox = this.#mailboxes.get(address);
    if (!mailbox) return undefined;
    const plans = planFolders(mailbox.hash, mailbox.inboxOnly);
    const counts = apportion(
      mailbox.messages,
      plans.map((plan) => plan.weight),
    );
    return plans.map((plan, i) => this.#folder(address, mailbox, plan, counts[i] as number));
  }

  #folder(address: string, mailbox: MailboxPlan, plan: FolderPlan, mailCount: number): BaseFolder {
    const hash = hashNumbers(mailbox.hash, hashText(plan.name));
    const count = isMailFolder(plan.role) ? mailCount : plan.role === "outbox" || plan.role === "notes" ? 0 : 1 + (hash % 2);
    const hostile = (index: number): HostileKind | undefined =>
      this.#hasHostile ? hostilePlaces.get(`${address}/${plan.name}/${String(index)}`) : undefined;
    return new GeneratedFolder({ generator: this.#generator, address, plan, hash, count, stretch: mailbox.stretch, hostile });
  }
}

interface FolderParts {
  readonly generator: MessageGenerator;
  readonly address: string;
  readonly plan: FolderPlan;
  readonly hash: number;
  readonly count: number;
  readonly stretch: number;
  readonly hostile: (index: number) => HostileKind | undefined;
}

class GeneratedFolder implements BaseFolder {
  readonly name: string;
  readonly role: FolderPlan["role"];
  readonly attributes: readonly string[];
  readonly count: number;
  readonly uidValidity: number;
  readonly #generator: MessageGenerator;
  readonly #address: string;
  readonly #hash: number;
  readonly #stretch: number;
  readonly #hostile: (index: number) => HostileKind | undefined;

  constructor(parts: FolderParts) {
    const { plan, hash } = parts;
    this.name = plan.name;
    this.role = plan.role;
    this.attributes = plan.attributes;
    this.count = parts.count;
    this.uidValidity = 14 + (hash % 170_000);
    this.#generator = parts.generator;
    this.#address = parts.address;
    this.#hash = hash;
    this.#stretch = parts.stretch;
    this.#hostile = parts.hostile;
  }

  uids(): number[] {
    const uids: number[] = [];
    let uid = this.#hash % 40;
    for (let index = 0; index < this.count; index++) {
      uid += 1 + holeBefore(this.#at(index));
      uids.push(uid);
    }
    return uids;
  }

  get uidNext(): number {
    return (this.uids().at(-1) ?? this.#hash % 40) + 1 + (this.#hash % 3);
  }

  flags(index: number): number {
    const roll = hashNumbers(this.#at(index), 3) % 100;
    if (this.role === "drafts") return flagBits.seen | flagBits.draft;
    if (this.role === "sent") return flagBits.seen;
    // The newest tenth is mostly unread.
    const seen = index < this.count * 0.9 ? roll < 92 : roll < 40;
    return (seen ? flagBits.seen : 0) | (roll % 9 === 0 ? flagBits.answered : 0) | (roll % 23 === 0 ? flagBits.flagged : 0);
  }

  internalDate(index: number): number {
    const place = 1 - (index + (this.#at(index) % 1000) / 1000) / Math.max(1, this.count);
    return Math.floor((newestDate - spanMs * place ** 1.3) / 1000) * 1000;
  }

  size(index: number): number {
    const hash = this.#at(index);
    const hostile = this.#hostile(index);
    return estimateSize(hash, hostile ? hostileBytes[hostile] : planMessage(hash, this.#stretch).bytes);
  }

  bytes(index: number): Buffer {
    const hostile = this.#hostile(index);
    if (hostile) return hostileMessage(hostile, this.#address, rfc5322Date(this.internalDate(index)));
    return this.#generator.generate(this.#identity(index));
  }

  header(index: number): Buffer {
    return this.#hostile(index) ? this.bytes(index) : this.#generator.header(this.#identity(index));
  }

  #identity(index: number): MessageIdentity {
    const start = this.#threadStart(index);
    const references: string[] = [];
    for (let earlier = start; earlier < index; earlier++) references.push(this.#messageId(earlier));
    return {
      hash: this.#at(index),
      owner: this.#address,
      isOutgoing: this.role === "sent" || this.role === "drafts",
      date: this.internalDate(index),
      messageId: this.#messageId(index),
      references,
      threadHash: this.#at(start),
      stretch: this.#stretch,
    };
  }

  #at(index: number): number {
    return hashNumbers(this.#hash, index);
  }

  /** A third of the messages go on with the thread of the one before. */
  #threadStart(index: number): number {
    let start = index;
    while (start > 0 && index - start < longestThread && hashNumbers(this.#at(start), 4) % 3 === 0 && !this.#hostile(start - 1)) start--;
    return start;
  }

  #messageId(index: number): string {
    const hash = this.#at(index);
    return `<${hash.toString(16)}.${hashNumbers(hash, 5).toString(36)}.${String(index)}@mail.${this.#address.slice(this.#address.indexOf("@") + 1)}>`;
  }
}

/** One place in sixteen lost some messages before. */
function holeBefore(hash: number): number {
  return hash % 16 === 0 ? 1 + ((hash >>> 8) % 9) : 0;
}
