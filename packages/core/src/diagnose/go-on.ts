import type { FailureCode } from "../failure-code.ts";
import { stripControls } from "../strip-controls.ts";
import { formatCounted } from "../words/numbers.ts";
import { shellWord } from "../words/shell-word.ts";
import { formatDeadline, type TimeStyle } from "../words/times.ts";
import type { Finding } from "./finding.ts";
import type { FleetLook, Observations, StoppedLook } from "./observations.ts";

/** Mailboxes that wait although nothing is wrong any more, and what makes them go on. */
export interface Backlog {
  /** Without its stop: `40 mailboxes of contoso are still parked until 07:58Z`. */
  readonly sentence: string;
  readonly command: string;
}

/** Pauses that a server asked for: to go on before their end makes them longer. */
export function isPause(code: FailureCode | undefined): boolean {
  return code === "SERVER_THROTTLED" || code === "CONNECTION_LIMIT" || code === "ENTRA_THROTTLED";
}

/** What still waits behind a cause that is gone. Undefined where nothing does, or where nothing runs that could go on. */
export function backlogOf(seen: Observations, style: TimeStyle): Backlog | undefined {
  const fleet = fleetOf(seen);
  if (!fleet?.isRunning) return undefined;
  const { tenant } = seen.subject;
  if (isAlone(fleet) && seen.subject.mailbox !== undefined) {
    const cause = fleet.mailbox?.cause;
    if (cause === undefined || isPause(cause.code)) return undefined;
    const how = cause.state === "parked" ? "is still parked" : "still waits";
    return {
      sentence: `${stripControls(seen.subject.mailbox)} ${how}${untilWords(cause.nextAt, style)}`,
      command: resumeCommand(seen, "mailbox"),
    };
  }
  const stopped = fleet.tenantStops;
  if (stopped === undefined || stopped.count === 0) return undefined;
  const isOne = stopped.count === 1;
  const how = stopped.parked > 0 ? `${isOne ? "is" : "are"} still parked` : `still wait${isOne ? "s" : ""}`;
  return {
    sentence: `${formatCounted(stopped.count, "mailbox", "mailboxes")} of ${tenant} ${how}${untilWords(stopped.until, style)}`,
    command: resumeCommand(seen, "tenant", stopped),
  };
}

/** What makes mailfleet go on before its own time once the finding is mended; undefined where nothing waits, or a pause is to be kept. */
export function soonerCommand(seen: Observations, finding: Finding): string | undefined {
  const fleet = fleetOf(seen);
  // Too much access keeps nothing from going on.
  if (!fleet?.isRunning || finding.step === "scope" || isPause(finding.code as FailureCode)) return undefined;
  const isOwn = finding.forTenant !== true && finding.step === "mailbox" && seen.subject.mailbox !== undefined;
  if (isOwn && fleet.mailbox?.cause?.scope !== "tenant") {
    const cause = fleet.mailbox?.cause;
    return cause === undefined || isPause(cause.code) ? undefined : resumeCommand(seen, "mailbox");
  }
  const stopped = fleet.tenantStops;
  return stopped === undefined || stopped.count === 0 ? undefined : resumeCommand(seen, "tenant", stopped);
}

/** The cause of this mailbox is its own, and it is the only one that waits. */
function isAlone({ mailbox, tenantStops }: FleetLook): boolean {
  return mailbox?.cause !== undefined && mailbox.cause.scope === "mailbox" && (tenantStops?.count ?? 0) <= 1;
}

function untilWords(until: number, style: TimeStyle): string {
  return until <= style.now ? "" : ` until ${formatDeadline(until, style)}`;
}

/** Named by its cause where others of the tenant keep a pause that the server asked for. */
function resumeCommand({ subject }: Observations, whom: "tenant" | "mailbox", stopped?: StoppedLook): string {
  const options = subject.options ?? "";
  if (whom === "mailbox" && subject.mailbox !== undefined) return `npx mailfleet mailboxes resume ${shellWord(subject.mailbox)}${options}`;
  const cause = stopped?.onlyCause === undefined ? "" : ` --cause ${stopped.onlyCause}`;
  return `npx mailfleet mailboxes resume --tenant ${shellWord(subject.tenant)}${cause}${options}`;
}

function fleetOf({ redis }: Observations): FleetLook | undefined {
  return redis?.kind === "ready" ? redis.fleet : undefined;
}
