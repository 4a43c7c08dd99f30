import { latin1, walkHeaderLines } from "./header-lines.ts";

/** Real ones have about 700 bytes and quote one subject; what is longer is not looked at. */
const mostBytes = 4 * 1024;

/** The number is the message's UID, or its number in a POP3 session. */
const subjectMarker = /^retrieval using the (?:imap4|pop3) protocol failed for the following message: ?\d{1,10}$/i;
/** Straight or typographic apostrophe in any charset, or an entity. */
const bodyMarker = /the server (?:could not|couldn\S{1,7}t) retrieve the following message/i;

/**
 * Whether these bytes are what Exchange sends, with OK, in place of an item that it cannot convert (OfflineIMAP#62, MailKit#1451): a forged
 * message from "Microsoft Exchange Server" without a Message-ID. Subject and text must both say so, because people forward and quote them;
 * what somebody sent has a Message-ID by the time it lies in a mailbox.
 */
export function isPlaceholder(bytes: Uint8Array): boolean {
  if (bytes.length > mostBytes || hasMessageId(bytes)) return false;
  const text = latin1(bytes);
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) return false;
  // Exchange folds this subject before the number.
  const fields = text
    .slice(0, end.index)
    .replace(/\r?\n[ \t]+/g, " ")
    .split(/\r?\n/);
  if (fields.some((field) => /^message-id[ \t]*:/i.test(field))) return false;
  const subjects = fields.filter((field) => /^subject[ \t]*:/i.test(field)).map((field) => foldSpace(field.slice(field.indexOf(":") + 1)));
  const isMarked = subjects.length === 1 && subjectMarker.test(subjects[0] ?? "");
  return isMarked && hasBodyMarker(text.slice(end.index + end[0].length));
}

const [upperM, lowerM] = [77, 109];

/** Nearly every message has one: it is not worth reading further. */
function hasMessageId(bytes: Uint8Array): boolean {
  let hasOne = false;
  walkHeaderLines(bytes, mostBytes, (from, stop) => {
    const first = bytes[from];
    hasOne = (first === upperM || first === lowerM) && /^message-id[ \t]*:/i.test(latin1(bytes, from, Math.min(stop, from + 40)));
    return hasOne;
  });
  return hasOne;
}

/** As it is, from quoted-printable, and from any base64 in it: a marker shows in one of them, whatever the parts are. */
function hasBodyMarker(body: string): boolean {
  if (bodyMarker.test(foldSpace(body)) || bodyMarker.test(foldSpace(fromQuotedPrintable(body)))) return true;
  const blocks = body.match(/(?:^[A-Za-z0-9+/]{20,}={0,2}\r?\n?)+/gm) ?? [];
  return blocks.some((block) => bodyMarker.test(foldSpace(fromBase64(block))));
}

function foldSpace(text: string): string {
  return text.replace(/[ \t\r\n]+/g, " ").trim();
}

function fromQuotedPrintable(text: string): string {
  return text
    .replace(/=[ \t]*\r?\n/g, "")
    .replace(/=([0-9A-F]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function fromBase64(text: string): string {
  let out = "";
  let buffer = 0;
  let bits = 0;
  for (const char of text) {
    const value = base64Alphabet.indexOf(char);
    if (value === -1) continue;
    buffer = ((buffer << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += String.fromCharCode((buffer >> bits) & 0xff);
    }
  }
  return out;
}
