import type { FolderRole } from "./folder-plan.ts";

/** \Seen and the others as bits; a folder keeps one small number a message. */
export const flagBits = { seen: 1, answered: 2, flagged: 4, deleted: 8, draft: 16, mdnSent: 32 } as const;

/** What a folder holds before anything is delivered live. Indexes run from 0 to `count - 1`, oldest first. */
export interface BaseFolder {
  readonly name: string;
  readonly role: FolderRole;
  readonly attributes: readonly string[];
  readonly uidValidity: number;
  readonly count: number;
  /** Ascending, with holes. */
  uids(): number[];
  /** Beyond the last UID, as deleted messages leave it. */
  readonly uidNext: number;
  flags(index: number): number;
  /** Milliseconds since 1970. */
  internalDate(index: number): number;
  /** The estimate that the server announces. */
  size(index: number): number;
  bytes(index: number): Buffer;
  /** The start of the bytes with the whole header; cheap where a message is big. */
  header(index: number): Buffer;
}

/** Where mailboxes come from: invented, or a folder of mail files. */
export interface World {
  /** Differs whenever UIDs or bytes would; live deliveries of another world are not mixed in. */
  readonly key: string;
  readonly tenants: readonly WorldTenant[];
  /** Undefined for an unknown address. Made anew on every call; the store keeps what is in use. */
  folders(address: string): readonly BaseFolder[] | undefined;
}

export type ClientProtocol = "imap" | "pop3";

export interface WorldTenant {
  readonly alias: string;
  /** Primary addresses, lower case. */
  readonly addresses: readonly string[];
  /** In mail folders. */
  readonly messages: number;
  /** What the configuration for mailfleet says; both are served. */
  readonly protocol: ClientProtocol;
}
