import type { Chance } from "@mailfleet/core";
import type { Sandbox } from "@mailfleet/sandbox";
import type { AuditedMessage } from "@mailfleet/testkit/servers";

/** One message as the auditor will know it. */
interface Placed {
  readonly what: string;
  readonly sha256: string;
  readonly names: { readonly folder: string; readonly uidValidity: string; readonly uid: number }[];
  isThere: boolean;
  flags: readonly string[];
}

interface Folder {
  readonly tenant: string;
  readonly address: string;
  readonly path: string;
  readonly isMail: boolean;
  uidValidity: string;
  /** Ascending by UID. */
  readonly messages: Map<number, Placed>;
}

export interface Changes {
  deliveries: number;
  flags: number;
  expunges: number;
  moves: number;
  uidValidityFlips: number;
}

/** People and servers at work on the sandbox' mailboxes, and a record of every message that ever was. */
export class MailInMotion {
  readonly changes: Changes = { deliveries: 0, flags: 0, expunges: 0, moves: 0, uidValidityFlips: 0 };
  readonly #sandbox: Sandbox;
  readonly #chance: Chance;
  readonly #folders = new Map<string, Folder>();
  readonly #all: { readonly folder: Folder; readonly placed: Placed }[] = [];
  #serial = 0;

  constructor(sandbox: Sandbox, chance: Chance) {
    this.#sandbox = sandbox;
    this.#chance = chance;
    for (const { tenant, address, folder, isMail, uidValidity, uid, sha256, flags } of sandbox.truth()) {
      const name = `${address}\n${folder}`;
      let known = this.#folders.get(name);
      if (!known) {
        known = { tenant, address, path: folder, isMail, uidValidity: String(uidValidity), messages: new Map() };
        this.#folders.set(name, known);
      }
      this.#place(known, uid, sha256(), flags());
    }
  }

  /** One change somewhere: mostly new mail, as in life. */
  step(): void {
    const folder = this.#pick([...this.#folders.values()].filter((one) => one.isMail && one.messages.size > 0));
    const dice = this.#chance.random();
    if (dice < 0.45) this.#deliver();
    else if (dice < 0.7) this.#flag(folder);
    else if (dice < 0.85) this.#expunge(folder);
    else this.#move(folder);
  }

  /** Numbers a folder's messages anew, as a migration does. */
  flip(): void {
    const folder = this.#pick([...this.#folders.values()].filter((one) => one.isMail && one.messages.size > 1));
    const before = [...folder.messages.values()];
    const uidValidity = String(this.#sandbox.resetUidValidity(folder.address, folder.path));
    const uids = [...this.#sandbox.truth()]
      .filter((one) => one.address === folder.address && one.folder === folder.path)
      .map(({ uid }) => uid);
    if (uids.length !== before.length) throw new Error(`the sandbox holds ${uids.length} messages in ${folder.path}, not ${before.length}`);
    folder.uidValidity = uidValidity;
    folder.messages.clear();
    for (const [at, placed] of before.entries()) {
      const uid = uids[at] as number;
      placed.names.push({ folder: folder.path, uidValidity, uid });
      folder.messages.set(uid, placed);
    }
    this.changes.uidValidityFlips++;
  }

  truth(): readonly AuditedMessage[] {
    return this.#all.map(({ folder: { tenant, address, isMail }, placed: { what, sha256, names, isThere, flags } }) => ({
      ...{ what, tenant, mailbox: address, sha256, names, isThere, flags },
      isExcluded: !isMail,
      mayComeLate: false,
    }));
  }

  #deliver(): void {
    const inboxes = [...this.#folders.values()].filter((one) => one.path === "INBOX");
    const folder = this.#pick(inboxes);
    const name = `chaos-${++this.#serial}`;
    const lines = [`From: Ann <ann@mail.example>`, `Subject: ${name}`, `Message-ID: <${name}@mail.example>`, "", `Text of ${name}.`, ""];
    const uid = this.#sandbox.deliver(folder.address, folder.path, Buffer.from(lines.join("\r\n")));
    this.#adopt(folder, uid);
    this.changes.deliveries++;
  }

  #flag(folder: Folder): void {
    const [uid, placed] = this.#pick([...folder.messages]);
    const flags = placed.flags.includes("\\Seen") ? ["\\Flagged"] : ["\\Seen"];
    this.#sandbox.setFlags(folder.address, folder.path, uid, flags);
    placed.flags = flags;
    this.changes.flags++;
  }

  #expunge(folder: Folder): void {
    const [uid, placed] = this.#pick([...folder.messages]);
    this.#sandbox.expunge(folder.address, folder.path, [uid]);
    placed.isThere = false;
    folder.messages.delete(uid);
    this.changes.expunges++;
  }

  #move(folder: Folder): void {
    const others = [...this.#folders.values()].filter((one) => one.address === folder.address && one.isMail && one !== folder);
    if (others.length === 0) return;
    const target = this.#pick(others);
    const [uid, placed] = this.#pick([...folder.messages]);
    const moved = this.#sandbox.move(folder.address, folder.path, target.path, [uid]).get(uid);
    if (moved === undefined) throw new Error(`the sandbox did not move ${uid} of ${folder.path}`);
    placed.isThere = false;
    folder.messages.delete(uid);
    this.#place(target, moved, placed.sha256, placed.flags);
    this.changes.moves++;
  }

  /** A message that was just put there. */
  #adopt(folder: Folder, uid: number): void {
    const found = [...this.#sandbox.truth()].find((one) => one.address === folder.address && one.folder === folder.path && one.uid === uid);
    if (!found) throw new Error(`the sandbox does not hold ${uid} of ${folder.path}`);
    this.#place(folder, uid, found.sha256(), found.flags());
  }

  #place(folder: Folder, uid: number, sha256: string, flags: readonly string[]): void {
    const what = `${folder.address} ${folder.path} ${uid} of ${folder.uidValidity}`;
    const placed: Placed = { what, sha256, flags, isThere: true, names: [{ folder: folder.path, uidValidity: folder.uidValidity, uid }] };
    folder.messages.set(uid, placed);
    this.#all.push({ folder, placed });
  }

  #pick<T>(from: readonly T[]): T {
    const one = from[Math.trunc(this.#chance.random() * from.length)];
    if (one === undefined) throw new Error("nothing to pick from");
    return one;
  }
}
