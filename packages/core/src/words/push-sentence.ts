import { formatCount, formatCounted } from "./numbers.ts";

/** How many of the mailboxes that are to be pushed are. What is not pushed is polled as ever. */
export function pushSentence({ chosen, connected }: { readonly chosen: number; readonly connected: number }): string {
  const boxes = formatCounted(chosen, "mailbox", "mailboxes");
  if (chosen === 0) return "no mailbox is chosen by sync.push, all are polled";
  if (connected >= chosen) return `${boxes}, told of new mail at once`;
  return `${formatCount(connected)} of ${boxes} told of new mail at once, ${formatCount(chosen - connected)} polled only`;
}
