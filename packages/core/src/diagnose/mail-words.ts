import type { ErrorFacts } from "../failure.ts";
import { stripControls } from "../strip-controls.ts";
import { formatCounted } from "../words/numbers.ts";

export function outageWords(working: number, tried: number): string {
  if (tried === 0) return "a Microsoft outage (no other tenant to compare with).";
  if (working === 0) return "a Microsoft outage.";
  return `a Microsoft outage (${formatCounted(working, "other tenant")} work${working === 1 ? "s" : ""}, so unlikely).`;
}

export function openWords(count: number): string {
  return `${formatCounted(count, "other mailbox", "other mailboxes")} of the tenant opened.`;
}

/** The server's words, and the end of the sentence they stand in. */
export function said({ responseStatus, text, code }: Pick<ErrorFacts, "responseStatus" | "text" | "code">): string {
  const words = stripControls(text ?? code ?? "")
    .slice(0, 300)
    .trim();
  if (words === "") return ".";
  const status = responseStatus === "ERR" ? "-ERR" : responseStatus;
  const shown = status === undefined || words.startsWith(status) ? words : `${status} ${words}`;
  return `: "${shown}"${/[.!?…]$/.test(shown) ? "" : "."}`;
}

/** `8f2c…d41a` */
export function shortId(id: string): string {
  const clean = stripControls(id);
  return clean.length > 10 ? `${clean.slice(0, 4)}…${clean.slice(-4)}` : clean;
}
