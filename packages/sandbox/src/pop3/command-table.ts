import type { Reply } from "./reply.ts";
import type { Pop3Session, SessionState } from "./session.ts";

/** Answers a command; an answer of many lines is written to the session's writer and comes to `sent`. */
export type CommandHandler = (session: Pop3Session, args: readonly string[]) => Reply | Promise<Reply>;

export interface CommandEntry {
  readonly states: readonly SessionState[];
  readonly handler: CommandHandler;
  /** Whether every argument has to be a number. */
  readonly takes: "numbers" | "text";
}

export type CommandTable = ReadonlyMap<string, CommandEntry>;

export const inAnyState: readonly SessionState[] = ["greeted", "refused", "authenticated"];
export const beforeLogin: readonly SessionState[] = ["greeted"];
export const afterLogin: readonly SessionState[] = ["authenticated"];
