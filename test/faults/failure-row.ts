import type { ErrorFacts, FailureCode } from "@mailfleet/core";

/** When it is tried again, in seconds: the shortest and the longest wait after the first failure, and after many. */
export interface Waits {
  readonly first: readonly [number, number];
  readonly later?: readonly [number, number];
  /** Whether it is parked from the first failure on, after some, or never. */
  readonly parks: "at once" | "later" | "never";
}

/**
 * One row of the failure catalogue of the Exchange Online field guide (section 6): what is seen on the wire, and what must come of it.
 * A row is decided by the classifier, or shown by a test of its own, or has nothing to decide here; then it says why.
 */
export type FailureRow = { readonly row: number; readonly symptom: string } & (
  | {
      readonly by: "token" | "imap" | "pop3";
      /** More than one where the same cause has several faces. */
      readonly facts: readonly ErrorFacts[];
      readonly code: FailureCode;
      readonly waits: Waits;
      /** A word that the operator's advice must hold. */
      readonly advice: RegExp;
    }
  | { readonly by: "test"; readonly proof: readonly [file: string, name: string] }
  | { readonly by: "nothing"; readonly why: string }
);

export const minute = 60;
export const hour = 3_600;
export const hourly: Waits = { first: [hour, 1.1 * hour], later: [hour, 1.1 * hour], parks: "at once" };
export const judged: Waits = { first: [5 * minute, 5.5 * minute], later: [hour, 1.1 * hour], parks: "later" };
export const network: Waits = { first: [0.5, 1], later: [0.5, 5 * minute], parks: "never" };

export function entra(number: number, httpStatus: number, code: string, more: Partial<ErrorFacts> = {}): ErrorFacts {
  return { layer: "entra", number, httpStatus, code, ...more };
}

export function said(
  responseStatus: "NO" | "BAD" | "BYE",
  text: string,
  phase: ErrorFacts["phase"],
  more: Partial<ErrorFacts> = {},
): ErrorFacts {
  return { layer: "imap", responseStatus, text, ...(phase !== undefined && { phase }), ...more };
}

/** POP3's `-ERR`; lines that came together are one text. */
export function refused(text: string, phase: ErrorFacts["phase"], more: Partial<ErrorFacts> = {}): ErrorFacts {
  return { layer: "pop3", responseStatus: "ERR", text, ...(phase !== undefined && { phase }), ...more };
}

export function net(code: string, phase: ErrorFacts["phase"] = "connect"): ErrorFacts {
  return { layer: "network", code, ...(phase !== undefined && { phase }) };
}
