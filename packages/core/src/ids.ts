/** Which protocol reads a mailbox. */
export type Protocol = "imap" | "pop3";

/** The two priorities of work and of events: new mail, and the history of a mailbox. */
export type Lane = "fresh" | "backfill";

/** One account to sync. `tenant` is the alias of the configuration, `address` is canonical. */
export interface MailboxRef {
  readonly tenant: string;
  readonly address: string;
  readonly protocol: Protocol;
}

/** Trim, NFC, lower case: six spellings of one mailbox are one mailbox (T21). */
export function canonicalAddress(address: string): string {
  return address.trim().normalize("NFC").toLowerCase();
}

/** `tenant/address`: unique because a tenant alias holds no slash. */
export function mailboxId(mailbox: { readonly tenant: string; readonly address: string }): string {
  return `${mailbox.tenant}/${mailbox.address}`;
}

/** The inverse of {@link mailboxId}, or undefined for text that no mailbox id can be. */
export function parseMailboxId(id: string): { tenant: string; address: string } | undefined {
  const slash = id.indexOf("/");
  if (slash < 1 || slash === id.length - 1) return undefined;
  return { tenant: id.slice(0, slash), address: id.slice(slash + 1) };
}

/**
 * Escapes one part of a Redis key, job id or path: letters, digits and `-_.@+` stay readable, everything else becomes `%HH`
 * of its UTF-8 bytes; a lone surrogate becomes `%uHHHH`. Injective, and free of `:`, `/`, `{`, `}` and control characters (T18).
 */
export function encodeKeyPart(part: string): string {
  if (/^[A-Za-z0-9_.@+-]*$/.test(part)) return part;
  let out = "";
  for (const char of part) {
    const code = char.codePointAt(0) ?? 0;
    if (/^[A-Za-z0-9_.@+-]$/.test(char)) out += char;
    else if (code >= 0xd800 && code <= 0xdfff) out += `%u${code.toString(16).toUpperCase()}`;
    else out += encodeURIComponent(char).replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  }
  return out;
}

/** Within which a UID names one message for ever: a folder's path, our generation and the server's UIDVALIDITY. */
export interface MessagePlace {
  readonly folder: string;
  readonly generation: number;
  readonly uidValidity: string;
}

/** What makes a message in a folder unique for ever: what its event's key is made from. */
export interface MessageIdentity extends MessagePlace {
  readonly tenant: string;
  readonly address: string;
  readonly uid: number;
}

/** The idempotency key of a message: the same for every event about it, and never dealt twice. */
export function messageKey(identity: MessageIdentity): string {
  return messageKeyPrefix(identity) + String(identity.uid);
}

/** What the keys of all messages of a place begin with: a {@link messageKey} up to its UID. */
export function messageKeyPrefix({ tenant, address, folder, generation, uidValidity }: Omit<MessageIdentity, "uid">): string {
  return `${encodeKeyPart(tenant)}/${encodeKeyPart(address)}/${encodeKeyPart(folder)}/${generation}.${encodeKeyPart(uidValidity)}/`;
}

/** The key of an event about a folder or a mailbox; `what` and `serial` make it unique. */
export function scopeKey(mailbox: { tenant: string; address: string }, folder: string, what: string, serial: string): string {
  return [encodeKeyPart(mailbox.tenant), encodeKeyPart(mailbox.address), encodeKeyPart(folder), what, encodeKeyPart(serial)].join("/");
}

/** The inverse of {@link messageKey}; undefined for text that it does not write. */
export function parseMessageKey(key: string): MessageIdentity | undefined {
  const [tenant, address, folder, place, uid, ...more] = key.split("/");
  const match = /^(\d{1,15})\.(.*)$/.exec(place ?? "");
  if (tenant === undefined || address === undefined || folder === undefined || uid === undefined || match === null || more.length > 0)
    return undefined;
  if (!/^\d{1,10}$/.test(uid)) return undefined;
  const identity = {
    tenant: decodeKeyPart(tenant),
    address: decodeKeyPart(address),
    folder: decodeKeyPart(folder),
    generation: Number(match[1]),
    uidValidity: decodeKeyPart(match[2] ?? ""),
    uid: Number(uid),
  };
  return messageKey(identity) === key ? identity : undefined;
}

/** The inverse of {@link encodeKeyPart}; any other text gives something that encodes differently. */
function decodeKeyPart(part: string): string {
  return part
    .split(/(%u[0-9A-F]{4})/)
    .map((piece, at) => (at % 2 === 1 ? String.fromCharCode(Number.parseInt(piece.slice(2), 16)) : decodePercent(piece)))
    .join("");
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
