import { isUid } from "@mailfleet/core";
import { readInternalDate, type FetchAnswer } from "./fetch-answer.ts";

/** A FETCH answer while it is read: the items of its lines so far. */
export type FetchDraft = { -readonly [K in keyof FetchAnswer]: FetchAnswer[K] };

export function emptyDraft(): FetchDraft {
  return {
    uid: undefined,
    flags: undefined,
    internalDate: undefined,
    size: undefined,
    body: undefined,
    origin: undefined,
    isNil: false,
    header: undefined,
  };
}

/** What a line announces to follow it. */
export interface Literal {
  readonly item: "body" | "header";
  readonly bytes: number;
}

const beginning = /\* \d{1,10} FETCH \(/y;
/** Plain words: nothing that could be a list, a quoted string, NIL or a byte above ASCII. */
const flag = String.raw`(?![Nn][Ii][Ll][ )])[\\$]?[A-Za-z][A-Za-z0-9_.-]*`;
const items = [
  String.raw`UID \d{1,10}(?=[ )])`,
  String.raw`FLAGS \((?:${flag}(?: ${flag})*)?\)`,
  String.raw`INTERNALDATE "[^"\\]{1,40}"`,
  String.raw`RFC822\.SIZE \d{1,15}(?=[ )])`,
  String.raw`BODY\[(?:\](?:<\d{1,10}>)?|HEADER\.FIELDS \([A-Za-z0-9 -]{1,500}\)\]) \{\d{1,15}\}\r\n$`,
];
/** Tested, never executed: an array of what it found is more memory than the row, and where its parts are is known by their first letter. */
const item = new RegExp(items.join("|"), "y");

/**
 * Reads one line of a FETCH answer, or what follows its literal, strictly: items that we ask for, each once, one space between them, upper
 * case as every server writes them.
 *
 * @param line one character a byte, its CRLF included
 * @param flagsOf gives a list for what stands between the parentheses
 * @param isFirst false behind the answer's literal, of which there is one at most
 * @returns the literal that follows, `whole` when the answer is complete, undefined for anything else: somebody else has to read it all
 */
export function readFetchLine(
  line: string,
  draft: FetchDraft,
  isFirst: boolean,
  flagsOf: (words: string) => readonly string[],
): Literal | "whole" | undefined {
  let at = 0;
  if (isFirst) {
    beginning.lastIndex = 0;
    if (!beginning.test(line)) return undefined;
    at = beginning.lastIndex;
  }
  for (let isBegun = isFirst; ; isBegun = false) {
    if (!isBegun) {
      if (line.charCodeAt(at) === closing) return line.length === at + 3 && line.endsWith("\r\n") ? "whole" : undefined;
      if (line.charCodeAt(at) !== space) return undefined;
      at++;
    }
    item.lastIndex = at;
    if (!item.test(line)) return undefined;
    const from = at;
    at = item.lastIndex;
    switch (line.charAt(from)) {
      case "U": {
        const uid = Number(line.slice(from + "UID ".length, at));
        if (draft.uid !== undefined || !isUid(uid)) return undefined;
        draft.uid = uid;
        break;
      }
      case "F":
        if (draft.flags !== undefined) return undefined;
        draft.flags = flagsOf(line.slice(from + "FLAGS (".length, at - 1));
        break;
      case "I": {
        const internalDate = readInternalDate(line.slice(from + 'INTERNALDATE "'.length, at - 1));
        if (draft.internalDate !== undefined || internalDate === undefined) return undefined;
        draft.internalDate = internalDate;
        break;
      }
      case "R":
        if (draft.size !== undefined) return undefined;
        draft.size = Number(line.slice(from + "RFC822.SIZE ".length, at));
        break;
      default:
        return isFirst ? readLiteral(line, from, draft) : undefined;
    }
  }
}

/** `BODY[] {9}`, `BODY[]<0> {9}` or `BODY[HEADER.FIELDS (DATE)] {9}`, up to the end of the line. */
function readLiteral(line: string, from: number, draft: FetchDraft): Literal {
  const bytes = Number(line.slice(line.lastIndexOf("{") + 1, -"}\r\n".length));
  if (!line.startsWith("BODY[]", from)) return { item: "header", bytes };
  const origin = from + "BODY[]<".length;
  if (line.charAt(origin - 1) === "<") draft.origin = Number(line.slice(origin, line.indexOf(">", origin)));
  return { item: "body", bytes };
}

const space = 0x20;
const closing = 0x29;
