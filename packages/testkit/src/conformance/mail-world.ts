import type { AccessToken, MailboxRef, MailSource } from "@mailfleet/core";
import { openMailClient, type MailClient, type MailClientOptions } from "../mail-client.ts";

export interface NewMail {
  /** `\Seen` and the like. */
  readonly flags?: readonly string[];
  /** In whole seconds. */
  readonly internalDate?: Date;
}

/**
 * One mailbox, empty at first but for what its server makes by itself, seen from two sides: as mailfleet reads it (`source`), and as other
 * people change it. Folder names have no characters beyond ASCII. What a method did is visible to sessions once it has resolved.
 */
export interface MailWorld {
  readonly source: MailSource;
  readonly mailbox: MailboxRef;
  readonly token: AccessToken;
  /** The new message's UID. */
  deliver(folder: string, raw: Uint8Array, mail?: NewMail): Promise<number>;
  expunge(folder: string, uids: readonly number[]): Promise<void>;
  setFlags(folder: string, uid: number, flags: readonly string[]): Promise<void>;
  move(from: string, to: string, uids: readonly number[]): Promise<void>;
  createFolder(folder: string): Promise<void>;
  renameFolder(from: string, to: string): Promise<void>;
  deleteFolder(folder: string): Promise<void>;
  /** The same mail under another UIDVALIDITY. No session has the folder open. */
  resetUidValidity(folder: string): Promise<void>;
  close(): Promise<void>;
}

export interface ImapWorldOptions extends Pick<MailWorld, "source" | "mailbox" | "token" | "resetUidValidity"> {
  readonly client: MailClientOptions;
}

/** A mailbox on a real IMAP server, changed by another session as other people's mail programs do. */
export async function openImapWorld(options: ImapWorldOptions): Promise<MailWorld> {
  const client = await openMailClient(options.client);
  return {
    source: options.source,
    mailbox: options.mailbox,
    token: options.token,
    async deliver(folder, raw, mail = {}) {
      const date = mail.internalDate === undefined ? "" : ` "${formatDate(mail.internalDate)}"`;
      const lines = await client.command(`APPEND "${folder}" (${(mail.flags ?? []).join(" ")})${date}`, raw);
      const uid = /\[APPENDUID \d+ (\d+)\]/.exec(lines.at(-1) ?? "")?.[1];
      if (uid === undefined) throw new Error(`the server did not tell the new message's UID: ${lines.at(-1) ?? ""}`);
      return Number(uid);
    },
    expunge: (folder, uids) =>
      inFolder(client, folder, [`UID STORE ${uids.join(",")} +FLAGS.SILENT (\\Deleted)`, `UID EXPUNGE ${uids.join(",")}`]),
    setFlags: (folder, uid, flags) => inFolder(client, folder, [`UID STORE ${uid} FLAGS.SILENT (${flags.join(" ")})`]),
    move: (from, to, uids) => inFolder(client, from, [`UID MOVE ${uids.join(",")} "${to}"`]),
    createFolder: async (folder) => void (await client.command(`CREATE "${folder}"`)),
    renameFolder: async (from, to) => void (await client.command(`RENAME "${from}" "${to}"`)),
    deleteFolder: async (folder) => void (await client.command(`DELETE "${folder}"`)),
    resetUidValidity: (folder) => options.resetUidValidity(folder),
    close: () => Promise.resolve(client.close()),
  };
}

async function inFolder(client: MailClient, folder: string, commands: readonly string[]): Promise<void> {
  await client.command(`SELECT "${folder}"`);
  for (const command of commands) await client.command(command);
  await client.command("UNSELECT");
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `date-time` of RFC 9051 section 9, in UTC. */
function formatDate(date: Date): string {
  const day = String(date.getUTCDate()).padStart(2, " ");
  return `${day}-${months[date.getUTCMonth()] ?? ""}-${date.getUTCFullYear()} ${date.toISOString().slice(11, 19)} +0000`;
}
