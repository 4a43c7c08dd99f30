import { isUid, type FetchedMessage } from "@mailfleet/core";
import { isList, isToken, textOf, type Attribute, type UntaggedAnswer } from "./imapflow-internals.ts";

/** What one `* n FETCH (...)` line says; fields that it does not hold are undefined. */
export interface FetchAnswer {
  readonly uid: number | undefined;
  /** Not the empty list where the line has none: unasked lines may hold anything, such as a MODSEQ alone. */
  readonly flags: readonly string[] | undefined;
  readonly internalDate: number | undefined;
  readonly size: number | undefined;
  /** `BODY[]`, whole or from `origin` on. */
  readonly body: Uint8Array | undefined;
  /** Where the body begins, as the answer to a partial fetch says; undefined for a whole body. */
  readonly origin: number | undefined;
  /** True when the body was answered with NIL: there is none, or none from `origin` on. */
  readonly isNil: boolean;
  /** `BODY[HEADER.FIELDS (...)]`. */
  readonly header: Uint8Array | undefined;
}

/** A UID that no server may send: zero, above 32 bits, no number (T37). */
export class ImpossibleUid extends Error {}

/**
 * Items may come in any order and with others that were not asked for. Of an item that comes twice the first counts.
 *
 * @throws ImpossibleUid
 */
export function readFetchAnswer(answer: UntaggedAnswer): FetchAnswer {
  const items = answer.attributes?.[1];
  let uid: number | undefined;
  let flags: readonly string[] | undefined;
  let internalDate: number | undefined;
  let size: number | undefined;
  let body: Uint8Array | undefined;
  let origin: number | undefined;
  let isNil = false;
  let header: Uint8Array | undefined;
  if (isList(items)) {
    for (let at = 0; at + 1 < items.length; at += 2) {
      const key = items[at];
      const value = items[at + 1];
      if (!isToken(key) || typeof key.value !== "string") continue;
      switch (key.value.toUpperCase()) {
        case "UID":
          uid ??= readUid(value);
          break;
        case "FLAGS":
          if (isList(value)) flags ??= value.flatMap((node) => flagOf(node) ?? []);
          break;
        case "INTERNALDATE":
          internalDate ??= readInternalDate(textOf(value));
          break;
        case "RFC822.SIZE":
          size ??= readSize(textOf(value));
          break;
        case "BODY":
          if (body === undefined && key.section?.length === 0) {
            body = bytesOf(value);
            origin = key.partial?.[0];
            isNil = value === null;
          } else if (key.partial === undefined && textOf(key.section?.[0])?.toUpperCase() === "HEADER.FIELDS") header ??= bytesOf(value);
          break;
        default:
      }
    }
  }
  return { uid, flags, internalDate, size, body, origin, isNil, header };
}

/** The message of an answer that has one. */
export function toMessage(answer: FetchAnswer, uid: number, bytes: Uint8Array): FetchedMessage {
  const { flags = [], internalDate } = answer;
  return internalDate === undefined ? { uid, flags, bytes } : { uid, flags, internalDate, bytes };
}

function readUid(value: Attribute | undefined): number {
  const text = textOf(value) ?? "";
  const uid = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (!isUid(uid)) throw new ImpossibleUid();
  return uid;
}

/** Undefined for \Recent, too: it tells about the session, not about the message. */
function flagOf(node: Attribute): string | undefined {
  const flag = textOf(node);
  return flag?.toLowerCase() === "\\recent" ? undefined : flag;
}

function readSize(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A literal is handed over as it is. A quoted string, which may hold 7 bit only, went through a UTF-8 decoder and back. */
function bytesOf(value: Attribute | undefined): Uint8Array | undefined {
  if (typeof value === "string") return Buffer.from(value);
  if (!isToken(value) || value.value === undefined) return undefined;
  if (typeof value.value !== "string") return value.value;
  return value.type === "STRING" && !value.value.includes("\ufffd") ? Buffer.from(value.value) : undefined;
}

const months = "janfebmaraprmayjunjulaugsepoctnovdec";
const dateTime = /^ ?\d{1,2}-[A-Za-z]{3}-\d{4} \d\d:\d\d:\d\d [+-]\d{4}$/;

/** `date-time` of RFC 9051: `17-Jul-2026 02:44:25 -0700`, a space in front of a one-digit day. Epoch ms. */
export function readInternalDate(text: string | undefined): number | undefined {
  if (text === undefined || !dateTime.test(text)) return undefined;
  // All but the day is of fixed width.
  const at = text.indexOf("-");
  const month = months.indexOf(text.slice(at + 1, at + 4).toLowerCase());
  if (month === -1 || month % 3 !== 0) return undefined;
  const [year, day] = [numberAt(text, at + 5, 4), Number(text.slice(0, at))];
  const local = Date.UTC(year, month / 3, day, numberAt(text, at + 10, 2), numberAt(text, at + 13, 2), numberAt(text, at + 16, 2));
  const zone = (numberAt(text, at + 20, 2) * 60 + numberAt(text, at + 22, 2)) * 60_000;
  return text.charAt(at + 19) === "-" ? local + zone : local - zone;
}

/** So many digits. */
function numberAt(text: string, at: number, digits: number): number {
  let number = 0;
  for (let i = at; i < at + digits; i++) number = number * 10 + text.charCodeAt(i) - 48;
  return number;
}
