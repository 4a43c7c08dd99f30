import type { FailureCode, FailureScope } from "@mailfleet/core";
import type { Sandbox } from "@mailfleet/sandbox";

export type FaultOrder = Parameters<Sandbox["faults"]["add"]>[0];

/** The step that the doctor must name; `none` where it must find everything in order by then. */
export type DoctorStep =
  | "configuration"
  | "this machine"
  | "Redis"
  | "network"
  | "token"
  | "permission"
  | "Exchange"
  | "mailbox"
  | "scope"
  | "none";

/** One injected fault and what must come of it. */
export interface InjectedFault {
  /** As it is shown. */
  readonly name: string;
  /** Ordered at the row's own tenant, or at its first mailbox; none where the endpoint is the fault. */
  readonly orders: readonly Pick<FaultOrder, "name" | "params" | "times" | "protocol">[];
  readonly at: "tenant" | "mailbox";
  /** Ordered before the tenant's first token; else once all its mailboxes have been read. */
  readonly isFromStart?: boolean;
  /** The tenant is read over POP3; else over IMAP. */
  readonly isPop3?: boolean;
  /** In place of the sandbox's mail server. */
  readonly endpoint?: "no-such-host" | "closed-port" | "silent-port" | "foreign-certificate";
  /** The first mailbox is one that Exchange does not have. */
  readonly isUnknownMailbox?: boolean;
  /** `none`: it may be seen in passing, and stops nothing. */
  readonly code: FailureCode | "none";
  readonly scope?: FailureScope;
  /** Seconds from the first failure of that code to the next look: at least, at most. */
  readonly waits?: readonly [number, number];
  readonly step: DoctorStep;
  /** It takes a limit of half a minute or more to be seen. */
  readonly isSlow?: boolean;
}

export const minute = 60;
export const hour = 3_600;
/** Fixed waits are spread by a tenth upward; what is measured is short by what Redis was asked late. */
export const about = (seconds: number): readonly [number, number] => [Math.max(0, seconds - 3), seconds * 1.1 + 1];

export const outage: readonly [number, number] = [0, minute];
export const judged = about(5 * minute);

/** What happens at the mail server, named by the order and its parameters. */
export function mail(
  name: string,
  params: FaultOrder["params"],
  expected: FailureCode | "none",
  rest: Partial<InjectedFault> & Pick<InjectedFault, "step">,
): InjectedFault {
  const shown = Object.entries(params ?? {}).map(([key, value]) => `${key} ${String(value)}`);
  return {
    name: `${name}${shown.length > 0 ? ` (${shown.join(", ")})` : ""}`,
    orders: [{ name, ...(params && { params }) }],
    at: "mailbox",
    code: expected,
    ...rest,
  };
}
