import type { FolderStatus } from "@mailfleet/core";
import { isList, textOf, type UntaggedAnswer } from "./imapflow-internals.ts";

/** `* STATUS name (...)`; undefined unless all three numbers are there. */
export function readStatus(answer: UntaggedAnswer): FolderStatus | undefined {
  const items = answer.attributes?.at(-1);
  if (!isList(items)) return undefined;
  const values = new Map<string, string | undefined>();
  for (let at = 0; at + 1 < items.length; at += 2) values.set((textOf(items[at]) ?? "").toUpperCase(), textOf(items[at + 1]));
  const messages = readCount(values.get("MESSAGES"));
  const uidNext = readCount(values.get("UIDNEXT"));
  const uidValidity = readDigits(values.get("UIDVALIDITY"));
  if (messages === undefined || uidNext === undefined || uidNext < 1 || uidValidity === undefined) return undefined;
  const unseen = readCount(values.get("UNSEEN"));
  const highestModSeq = readModSeq(values.get("HIGHESTMODSEQ"));
  return {
    messages,
    uidNext,
    uidValidity,
    ...(unseen !== undefined && { unseen }),
    ...(highestModSeq !== undefined && { highestModSeq }),
  };
}

/** A mod-sequence has up to 63 bits (RFC 7162), so it stays text; 0 says that the folder has none. */
function readModSeq(text: string | undefined): string | undefined {
  return text !== undefined && /^[1-9]\d{0,18}$/.test(text) ? text : undefined;
}

/** Name and value of `* OK [NAME value]`. */
export function readSection(answer: UntaggedAnswer): readonly [string, string | undefined] {
  const first = answer.attributes?.[0];
  const section = typeof first === "object" && first !== null && "section" in first ? first.section : undefined;
  return [(textOf(section?.[0]) ?? "").toUpperCase(), textOf(section?.[1])];
}

/** The numbers of `* SEARCH ...`; NaN for what is none. */
export function readNumbers(answer: UntaggedAnswer): readonly number[] {
  if (answer.numbers) return answer.numbers;
  // A list at the end is CONDSTORE's MODSEQ.
  return (answer.attributes ?? []).filter((node) => !isList(node)).map((node) => Number(readDigits(textOf(node)) ?? Number.NaN));
}

/** An unsigned 32 bit number. */
export function readCount(text: string | undefined): number | undefined {
  const digits = readDigits(text);
  if (digits === undefined) return undefined;
  const count = Number(digits);
  return count <= 0xffff_ffff ? count : undefined;
}

/** Up to ten digits, as text: a UIDVALIDITY is compared, never counted with. */
export function readDigits(text: string | undefined): string | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? text : undefined;
}
