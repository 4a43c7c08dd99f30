import { formatUtc, type MailEvent, stripControls } from "@mailfleet/core";
import type { FollowedEvent } from "@mailfleet/queue";
import { safeJson } from "./safe-json.ts";

/** An event as `tail` prints it. @param isFull the event as JSON, with what its sender wrote, which moves no cursor all the same */
export function tailLine({ id, type, event }: FollowedEvent, isFull: boolean): string {
  return isFull ? safeJson(event ?? { type, key: id, note: "consumed already" }) : shortLine(id, type, event);
}

/**
 * `2026-11-23T14:03:02Z  message.added  fresh  contoso/support%40…/INBOX/1.14/412`, and over POP3 `UIDL 48112` behind it: nothing that a
 * sender wrote but the folder's name.
 */
function shortLine(id: string, type: string, event: MailEvent | undefined): string {
  if (event === undefined) return stripControls(`${" ".repeat(20)}  ${type.padEnd(19)}  ${"".padEnd(8)}  ${id}   consumed already`);
  return stripControls(`${formatUtc(Date.parse(event.at))}  ${type.padEnd(19)}  ${event.lane.padEnd(8)}  ${event.key}${uidlWords(event)}`);
}

function uidlWords(event: MailEvent): string {
  return "uidl" in event && event.uidl !== undefined ? `  UIDL ${event.uidl}` : "";
}
