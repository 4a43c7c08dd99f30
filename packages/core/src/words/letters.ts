import type { QuarantineCode } from "../event.ts";
import type { LetterCause, LetterOwner } from "../letter-cause.ts";
import { stripControls } from "../strip-controls.ts";
import { formatCount, formatCounted } from "./numbers.ts";

/** Why a message was set aside, as a cause of dead letters. */
export function quarantineText(code: QuarantineCode): string {
  switch (code) {
    case "MESSAGE_TOO_LARGE":
      return "larger than the limit, quarantined";
    case "MESSAGE_UNPARSEABLE":
      return "could not be read as a message, quarantined";
    case "MESSAGE_UNFETCHABLE":
      return "listed by the server and never delivered, quarantined";
    case "MESSAGE_UNCONVERTIBLE":
      return "Exchange cannot convert it, quarantined";
    case "MESSAGE_KILLED_WORKER":
      return "a worker died each time it had it in hand, quarantined";
  }
}

/** `consumer crm`, `consumer`, `message`. */
export function ownerWords(owner: LetterOwner): string {
  if (owner.kind === "message") return "message";
  return owner.name === undefined ? "consumer" : `consumer ${stripControls(owner.name)}`;
}

/** `HTTP 503 from crm.internal, 8 tries each` */
export function causeWords({ text, leastTries, mostTries, letters }: LetterCause): string {
  if (leastTries === undefined || mostTries === undefined) return text;
  const tries = leastTries === mostTries ? formatCounted(mostTries, "try", "tries") : `${leastTries} to ${formatCount(mostTries)} tries`;
  return `${text}, ${tries}${letters > 1 && leastTries === mostTries ? " each" : ""}`;
}

/** `1,243 dead letters from 3 causes`, `Nothing failed.` */
export function lettersSentence(letters: number, causes: number): string {
  if (letters === 0) return "Nothing failed.";
  return `${formatCounted(letters, "dead letter")} from ${formatCounted(causes, "cause")}`;
}
