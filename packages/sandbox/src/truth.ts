import { createHash } from "node:crypto";
import { formatFlags } from "./imap/flags.ts";
import { withLineEnd } from "./pop3/dot-stuffing.ts";
import type { MailStore } from "./store/mail-store.ts";
import { isMailFolder } from "./world/folder-plan.ts";
import type { FolderRole } from "./world/folder-plan.ts";

/** One message as the server has it now. */
export interface TruthEntry {
  readonly tenant: string;
  readonly address: string;
  readonly folder: string;
  readonly role: FolderRole;
  /** False in Calendar, Contacts and the like. */
  readonly isMail: boolean;
  readonly uidValidity: number;
  readonly uid: number;
  /** `\\Seen` and the like, as listed; looked up when asked for. */
  readonly flags: () => readonly string[];
  /** Hex, of the bytes a FETCH of BODY[] sends; made when asked for. */
  readonly sha256: () => string;
  /** The same of what RETR sends, unstuffed: a last line without an end gets one. */
  readonly pop3Sha256: () => string;
}

/** Every message, mailbox by mailbox. */
export function* listTruth(store: MailStore): Generator<TruthEntry> {
  for (const address of store.addresses()) {
    const mailbox = store.mailbox(address);
    for (const folder of mailbox?.folders ?? []) {
      for (const uid of folder.uids) {
        yield {
          tenant: mailbox?.tenant ?? "",
          address,
          folder: folder.name,
          role: folder.base.role,
          isMail: isMailFolder(folder.base.role),
          uidValidity: folder.uidValidity,
          uid,
          flags: () =>
            formatFlags(folder.flags(uid))
              .split(" ")
              .filter((flag) => flag !== ""),
          sha256: () => sha256Of(store.bytes(address, folder, uid)),
          pop3Sha256: () => sha256Of(withLineEnd(store.bytes(address, folder, uid))),
        };
      }
    }
  }
}

function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
