import type { FolderStatus } from "@mailfleet/core";
import { readStatus } from "../number-answers.ts";
import type { AnswerLine } from "./answer-lines.ts";

/** `* STATUS name (...)` with the name as the server wrote it; undefined for any other line, and where the three numbers are not there. */
export function readStatusLine({ text, literals }: AnswerLine): { readonly wireName: string; readonly status: FolderStatus } | undefined {
  const match = /^\* STATUS (.+) \(([^()]*)\) *$/i.exec(text);
  const [, name = "", items = ""] = match ?? [];
  if (match === null || literals.length > 1) return undefined;
  const status = readStatus({ command: "STATUS", attributes: [items.split(" ").filter((item) => item !== "")] });
  const wireName = literals.length === 1 ? literalName(name, literals[0] as string) : plainName(name);
  return status === undefined || wireName === undefined ? undefined : { wireName, status };
}

function literalName(name: string, literal: string): string | undefined {
  return /^\{\d+\}$/.test(name) ? literal : undefined;
}

/** A quoted string or an atom; Exchange leaves the quotes out where it can, and now and then where it should not. */
function plainName(name: string): string | undefined {
  if (!name.startsWith('"')) return name;
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(name)?.[1];
  return quoted?.replace(/\\(["\\])/g, "$1");
}

/** INBOX is the one name that any letters spell (RFC 9051 section 5.1). */
export function isSameName(one: string, other: string): boolean {
  return one === other || (one.length === 5 && one.toUpperCase() === "INBOX" && other.toUpperCase() === "INBOX");
}
