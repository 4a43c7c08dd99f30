import { headerValue } from "./message-sections.ts";

/**
 * What Exchange sends, with OK, for an item that it cannot convert (OfflineIMAP#62, Mailspring#2038): no address in From, no Message-ID,
 * the original's subject, sender and date in the text.
 */
export function placeholderFor(protocol: "IMAP4" | "POP3", uid: number, message: Buffer): Buffer {
  const field = (name: string): string => headerValue(message, name) ?? "";
  const lines = [
    "From: Microsoft Exchange Server",
    `Subject: Retrieval using the ${protocol} protocol failed for the following message:`,
    ` ${String(uid)}`,
    `Date: ${field("date")}`,
    "MIME-Version: 1.0",
    'Content-Type: text/plain; charset="iso-8859-1"',
    "Content-Transfer-Encoding: quoted-printable",
    "",
    "The server couldn't retrieve the following message:",
    "",
    `Subject: "${field("subject")}"`,
    `From: ${field("from")}`,
    `Sent date: ${field("date")}`,
    "",
    "The message hasn't been deleted. You might be able to view it using either Out=",
    "look or Outlook Web App. You can also contact the sender to find out what it s=",
    "ays.",
    "",
  ];
  return Buffer.from(lines.join("\r\n"), "latin1");
}
