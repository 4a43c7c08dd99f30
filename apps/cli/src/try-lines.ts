import { formatBytes } from "@mailfleet/core";
import { fitLine, line, lineText, padEnd, padStart } from "./text-layout.ts";
import type { ListedMessage } from "./try-newest.ts";

/** Columns: senders and UIDLs (of up to 70 characters) beyond these are cut on a terminal, so that something is left of the subject. */
const senderWidth = { most: 28, least: 10 };
const uidlMost = 20;

/** One line a message, for a terminal of `width` columns. In a pipe the width is endless, and nothing is cut. */
export function messageLines(shown: readonly ListedMessage[], width: number): string[] {
  const isCut = Number.isFinite(width);
  const nameOf = ({ uidl, flags }: ListedMessage): string => uidl ?? (flags?.includes("\\Seen") === true ? "read" : "unread");
  const longest = Math.max(0, ...shown.map((message) => (message.uidl === undefined ? "unread" : message.uidl).length));
  const nameWidth = isCut ? Math.min(uidlMost, longest) : longest;
  const cut = (text: string, columns: number): string => padEnd(isCut ? lineText(fitLine(line(text), columns)) : text, columns);
  return shown.map((message) => {
    const date = message.date === undefined ? "no date" : message.date.slice(0, 16).replace("T", " ");
    const head = `      ${padEnd(date, 16)}  ${padStart(formatBytes(message.size), 8)}  ${cut(nameOf(message), nameWidth)}  `;
    const half = Math.floor((width - head.length - 2) / 2);
    const from = cut(message.from, Math.max(senderWidth.least, Math.min(senderWidth.most, half)));
    const text = `${head}${from}  ${message.subject}`;
    return isCut ? lineText(fitLine(line(text), width)) : text;
  });
}
