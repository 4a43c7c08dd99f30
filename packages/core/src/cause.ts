import type { FailureCode, FailureScope } from "./failure-code.ts";

/** Why a mailbox does not sync, kept with the mailbox until it does. */
export interface Cause {
  readonly code: FailureCode;
  readonly scope: FailureScope;
  /** The server's words or our sentence, scrubbed. */
  readonly text: string;
  /** Epoch ms of the first failure in a row. */
  readonly since: number;
  /** Failures in a row. */
  readonly tries: number;
  /** Epoch ms of the next look. */
  readonly nextAt: number;
  /** `parked`: only a person can end it, though mailfleet looks again. `waiting`: it ends by itself. */
  readonly state: "parked" | "waiting";
  /** Consumers were told `mailbox.parked` under another cause before this one, and not yet `mailbox.resumed`. */
  readonly told?: ToldParking;
}

/** What names one parking downstream: its code, and the epoch ms of its first failure. */
export interface ToldParking {
  readonly code: FailureCode;
  readonly since: number;
}

/** An operator's stop: it outlives restarts, and only an operator ends it. */
export interface OperatorPark {
  /** Who, as the operating system or `--by` names them. */
  readonly name: string;
  /** Epoch ms. */
  readonly at: number;
  /** In the operator's words. */
  readonly reason?: string;
}
