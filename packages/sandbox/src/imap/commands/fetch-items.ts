import { parseSection } from "../../mail/message-sections.ts";
import type { Section } from "../../mail/message-sections.ts";
import type { Token } from "../parse-command.ts";
import type { Session } from "../session.ts";

type Simple = "FLAGS" | "UID" | "INTERNALDATE" | "RFC822.SIZE";

export type FetchItem =
  | { readonly kind: Simple }
  | {
      readonly kind: "body";
      /** As it stands in the answer, without the partial's length. */
      readonly label: string;
      readonly section: Section;
      readonly isPeek: boolean;
      readonly partial: { readonly start: number; readonly length: number } | undefined;
    };

/** Undefined for an item that is not served (ENVELOPE and BODYSTRUCTURE among them) or an empty list. */
export function parseFetchItems(tokens: readonly Token[]): FetchItem[] | undefined {
  const flat = tokens.length === 1 && tokens[0]?.kind === "list" ? tokens[0].items : tokens;
  const items: FetchItem[] = [];
  for (const token of flat) {
    const text = token.kind === "atom" ? token.text : undefined;
    if (text === undefined) return undefined;
    const parsed = parseItem(text);
    if (!parsed) return undefined;
    items.push(...parsed);
  }
  return items.length > 0 ? items : undefined;
}

function parseItem(text: string): readonly FetchItem[] | undefined {
  const upper = text.toUpperCase();
  switch (upper) {
    case "FLAGS":
    case "UID":
    case "INTERNALDATE":
    case "RFC822.SIZE":
      return [{ kind: upper }];
    case "FAST":
      return [{ kind: "FLAGS" }, { kind: "INTERNALDATE" }, { kind: "RFC822.SIZE" }];
    case "RFC822":
      return [{ kind: "body", label: upper, section: { kind: "all", fields: [] }, isPeek: false, partial: undefined }];
    case "RFC822.HEADER":
      return [{ kind: "body", label: upper, section: { kind: "header", fields: [] }, isPeek: true, partial: undefined }];
    case "RFC822.TEXT":
      return [{ kind: "body", label: upper, section: { kind: "text", fields: [] }, isPeek: false, partial: undefined }];
    default:
      return parseBodyItem(upper);
  }
}

function parseBodyItem(upper: string): readonly FetchItem[] | undefined {
  const open = upper.indexOf("[");
  const close = upper.lastIndexOf("]");
  const name = upper.slice(0, Math.max(0, open));
  if ((name !== "BODY" && name !== "BODY.PEEK") || close < open) return undefined;
  const words = upper.slice(open + 1, close);
  const section = parseSection(words);
  const partial = /^(?:<([0-9]{1,10})\.([0-9]{1,10})>)?$/.exec(upper.slice(close + 1));
  if (!section || !partial) return undefined;
  const start = partial[1] === undefined ? undefined : Number(partial[1]);
  const length = Number(partial[2]);
  if (start !== undefined && length === 0) return undefined;
  return [
    {
      kind: "body",
      label: `BODY[${words}]${start === undefined ? "" : `<${String(start)}>`}`,
      section,
      isPeek: name === "BODY.PEEK",
      partial: start === undefined ? undefined : { start, length },
    },
  ];
}

/** A message counts when its content begins, and only where all of it was asked for. */
export function countBody({ tally }: Session, item: FetchItem, bytes: number): void {
  if (item.kind !== "body" || item.section.kind !== "all") return;
  if ((item.partial?.start ?? 0) === 0) tally.bodies++;
  tally.bodyBytes += bytes;
}
