import { mailboxId, type MailboxRef, parseMessageKey } from "./ids.ts";
import { type UidSet, uidSetOf } from "./uid-set.ts";

/** Messages of one folder, by their UIDs. */
export interface MessageGroup {
  readonly mailbox: MailboxRef;
  readonly folder: string;
  readonly generation: number;
  readonly uids: UidSet;
}

/** Messages by where they lie; keys that name no message are left out. */
export function byMailbox(keys: readonly string[]): readonly MessageGroup[] {
  const groups = new Map<string, { readonly about: Omit<MessageGroup, "uids">; readonly uids: number[] }>();
  for (const text of keys) {
    const key = parseMessageKey(text);
    if (key === undefined) continue;
    const { tenant, address, folder, generation, uid } = key;
    const name = JSON.stringify([mailboxId({ tenant, address }), folder, generation]);
    const group = groups.get(name) ?? { about: { mailbox: { tenant, address, protocol: "imap" }, folder, generation }, uids: [] };
    group.uids.push(uid);
    groups.set(name, group);
  }
  return [...groups.values()].map(({ about, uids }) => ({ ...about, uids: uidSetOf(uids) }));
}
