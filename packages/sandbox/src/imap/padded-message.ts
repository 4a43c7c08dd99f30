import { formatFlags } from "./flags.ts";
import { countBody, type FetchItem } from "./commands/fetch-items.ts";
import { cutSection } from "../mail/message-sections.ts";
import { cutContent, type PaddedFault } from "../mail/message-faults.ts";
import { writePaddedRange } from "../mail/padded-content.ts";
import type { ActiveFault } from "../faults/fault-spec.ts";
import type { Session } from "./session.ts";
import { imapDate } from "../world/message-generator.ts";

/** A message as long as it is wanted, made while it is sent: none of it but a slice is ever held. Returns the bytes of its content. */
export async function writePadded(
  session: Session,
  number: number,
  uid: number,
  items: readonly FetchItem[],
  { paddedTo, announced }: PaddedFault,
  cut?: ActiveFault,
): Promise<number> {
  const { folder } = session.selected;
  const { writer, services, mailbox } = session;
  let line = `* ${String(number)} FETCH (`;
  let space = "";
  let sent = 0;
  for (const item of items) {
    line += space;
    space = " ";
    switch (item.kind) {
      case "FLAGS":
        line += `FLAGS (${formatFlags(folder.flags(uid))})`;
        break;
      case "UID":
        line += `UID ${String(uid)}`;
        break;
      case "INTERNALDATE":
        line += `INTERNALDATE "${imapDate(folder.internalDate(uid))}"`;
        break;
      case "RFC822.SIZE":
        line += `RFC822.SIZE ${String(announced ?? paddedTo)}`;
        break;
      case "body": {
        const message = services.store.bytes(mailbox.address, folder, uid);
        const head = cutSection(message, item.section);
        const length = item.section.kind === "all" ? Math.max(paddedTo, head.length) : head.length;
        const start = Math.min(item.partial?.start ?? 0, length);
        const end = item.partial ? Math.min(length, start + item.partial.length) : length;
        writer.text(`${line}${item.label} {${String(end - start)}}\r\n`);
        if (cut) cutContent(session, cut, "* BYE");
        await writePaddedRange(writer, () => session.state !== "closed", head, start, end);
        sent += end - start;
        countBody(session, item, end - start);
        line = "";
        break;
      }
    }
  }
  writer.line(`${line})`);
  return sent;
}
