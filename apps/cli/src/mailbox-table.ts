import { protocolNames, stateOf, type StateQuestion, stateSentence, stateStyle, stripControls } from "@mailfleet/core";
import type { MailboxRecord } from "@mailfleet/store";
import { type Column, renderTable } from "./table.ts";
import { textWidth } from "./text-layout.ts";

const columns: readonly Column[] = [
  { title: "" },
  { title: "Mailbox", isAddress: true },
  { title: "State" },
  { title: "Tenant" },
  { title: "To do", align: "right" },
];
/** Where the sentence of a state leaves an address less than this, the state's word stands in its place. */
const addressRoom = 24;

/** Each mailbox with its state, for a terminal: tenant and what is to do go first where it is narrow, the state's word stays. */
export function mailboxTable(
  records: readonly MailboxRecord[],
  question: StateQuestion,
  style: { readonly width: number; readonly isPlain: boolean; readonly zone: "utc" | "local" },
): string[] {
  const sentences = records.map((record) => stripControls(stateSentence(record, { ...question, zone: style.zone })));
  const marks = records.map((record) => stateStyle(stateOf(record, question))[style.isPlain ? "plainMark" : "mark"]);
  const widest = (texts: readonly string[]): number => Math.max(...texts.map(textWidth));
  const addresses = Math.min(addressRoom, Math.max("Mailbox".length, widest(records.map(({ address }) => address))));
  const hasRoom = widest(marks) + 2 + addresses + 2 + widest(sentences) <= style.width;
  const hasPop3 = records.some(({ protocol }) => protocol === "pop3");
  const rows = records.map((record, index) => [
    marks[index] ?? "",
    record.address,
    (hasRoom ? sentences[index] : undefined) ?? stateOf(record, question),
    record.tenant,
    String(record.ledger.toDo),
    ...(hasPop3 ? [protocolNames[record.protocol]] : []),
  ]);
  return renderTable(hasPop3 ? [...columns, { title: "Over" }] : columns, rows, style.width);
}
