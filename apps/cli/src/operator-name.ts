import { userInfo } from "node:os";
import { stripControls } from "@mailfleet/core";

const nameLength = 64;

/** Who did it, for colleagues: the name that was given, else that of the user on this machine. */
export function operatorName(given?: string): string {
  return oneLine(given ?? userName(), nameLength) || "an operator";
}

export function oneLine(text: string, length: number): string {
  return stripControls(text).replace(/\s+/g, " ").trim().slice(0, length);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}
