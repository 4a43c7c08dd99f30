import type { Queue } from "bullmq";
import {
  type Clock,
  limits,
  mailboxId,
  type MailboxRef,
  type MailEvent,
  type OperatorPark,
  outgoing,
  type RedisKeys,
  scopeKey,
} from "@mailfleet/core";
import { parkScript, removeScript, resumeScript } from "./desk-scripts.ts";
import { readJobTemplate } from "./event-jobs.ts";
import { defineScript, jobArguments, runScript } from "./event-script.ts";

export type ParkOutcome = "parked" | "already" | "unknown";
/** `tried`: no operator had parked it, and it is due now. `running`: a session works on it, and looks once more at its end. */
export type ResumeOutcome = "resumed" | "tried" | "running" | "unknown";
export type RemoveOutcome = "removed" | "unknown";

/** What an operator does to single mailboxes. Each is one script: all of it or nothing, and consumers are told once. */
export interface MailboxDesk {
  /** A session that runs ends at its next batch border. The park outlives restarts. */
  park(mailbox: MailboxRef, park: OperatorPark): Promise<ParkOutcome>;
  /** Ends an operator's park; one that waits or is parked for another reason is looked at now, whatever it was told (T42). */
  resume(mailbox: MailboxRef): Promise<ResumeOutcome>;
  /** Out of registry, index, push and sums; the session that runs ends as with `park`. Events on the queue and stored bytes stay. */
  remove(mailbox: MailboxRef, isPurged: boolean): Promise<RemoveOutcome>;
}

export interface MailboxDeskOptions {
  /** The `messages` queue; its connection carries the scripts. */
  readonly queue: Queue;
  readonly keys: RedisKeys;
  readonly clock: Clock;
}

/** The cause that consumers are told: no failure of the mailbox. */
export const operatorCode = "PARKED_BY_OPERATOR";

/** Sessions and IDLE of the mailbox end at once when they hear of it, and no push asks again before this. */
const quietMs = 60_000;
/** Somebody parks and resumes one mailbox all the time; whoever loses that race this often gives up. */
const mostTurns = 5;

export async function createMailboxDesk({ queue, keys, clock }: MailboxDeskOptions): Promise<MailboxDesk> {
  const park = await defineScript(queue, parkScript());
  const resume = await defineScript(queue, resumeScript());
  const remove = await defineScript(queue, removeScript());
  const template = await readJobTemplate(queue);
  const keysOf = (mailbox: MailboxRef): string[] => {
    const id = mailboxId(mailbox);
    return [
      keys.lease(id),
      keys.mailbox(id),
      keys.due("fresh", mailbox.tenant),
      keys.due("backfill", mailbox.tenant),
      keys.inFlight("fresh", mailbox.tenant),
      keys.inFlight("backfill", mailbox.tenant),
      keys.pushHeld,
      keys.pushFree(mailbox.tenant),
      keys.hold(mailbox.tenant),
    ];
  };
  const about = (mailbox: MailboxRef): string[] => [mailboxId(mailbox), mailbox.tenant, keys.signals];
  return {
    async park(mailbox, given) {
      const events = [outgoing(parkedEvent(mailbox, given, clock.now()))];
      const args = [...about(mailbox), JSON.stringify(given), quietMs, ...jobArguments(template, clock)];
      return (await runScript(park, "park", [[...keysOf(mailbox), ...template.keys], args, events])) as ParkOutcome;
    },

    async resume(mailbox) {
      let known = "";
      const ofResume = [keys.untold(mailbox.tenant), keys.tenantsDue("fresh"), keys.tenantsDue("backfill")];
      for (let turn = 0; turn < mostTurns; turn++) {
        const events = known === "" ? [] : [outgoing(resumedEvent(mailbox, known, clock.now()))];
        const args = [...about(mailbox), known, limits.leaseRenewMs, ...jobArguments(template, clock)];
        const answer = await runScript(resume, "resume", [[...keysOf(mailbox), ...template.keys, ...ofResume], args, events]);
        const [status, found] = answer as [ResumeOutcome | "read", string];
        if (status !== "read") return status;
        known = found;
      }
      return "running";
    },

    async remove(mailbox, isPurged) {
      const id = mailboxId(mailbox);
      const more = [
        keys.pushTries,
        keys.mailboxes,
        keys.checkpoints(id),
        keys.tenantLedger(mailbox.tenant),
        keys.fleetLedger,
        keys.untold(mailbox.tenant),
      ];
      const args = [...about(mailbox), isPurged ? 0 : limits.removedCheckpointsMs, quietMs];
      return (await runScript(remove, "remove", [[...keysOf(mailbox), ...more], args])) as RemoveOutcome;
    },
  };
}

function parkedEvent(mailbox: MailboxRef, park: OperatorPark, now: number): MailEvent {
  const reason = `parked by ${park.name}${park.reason === undefined ? "" : `: ${park.reason}`}`;
  return { ...base(mailbox, "parked", park.at, now), type: "mailbox.parked", cause: { code: operatorCode, reason } };
}

/** @param park as it is stored; one that cannot be read is told all the same */
function resumedEvent(mailbox: MailboxRef, park: string, now: number): MailEvent {
  const at = /"at":(\d+)/.exec(park)?.[1];
  return { ...base(mailbox, "resumed", Number(at ?? 0), now), type: "mailbox.resumed", cause: { code: operatorCode } };
}

function base(mailbox: MailboxRef, what: string, since: number, now: number) {
  return {
    schema: "mailfleet.event/1" as const,
    key: scopeKey(mailbox, "", what, `operator-${since}`),
    tenant: mailbox.tenant,
    mailbox: mailbox.address,
    protocol: mailbox.protocol,
    at: new Date(now).toISOString(),
    lane: "fresh" as const,
  };
}
