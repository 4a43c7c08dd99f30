import type { Queue } from "bullmq";
import {
  type Cause,
  type Clock,
  type HoldReader,
  limits,
  mailboxId,
  type MailboxRef,
  outgoing,
  type RedisKeys,
  tenantParking,
  type TenantHold,
} from "@mailfleet/core";
import { type JobTemplate, readJobTemplate } from "./event-jobs.ts";
import { defineScript, jobArguments, type Run, runScript } from "./event-script.ts";
import { tellScript } from "./tell-script.ts";

/** Tells consumers of parked tenants, mailbox by mailbox. Any number of processes may do so at once. */
export interface HoldTeller {
  /** Up to `limits.tellChunk` mailboxes of each parked tenant. @returns how many are done with */
  tell(): Promise<number>;
}

/** A mailbox of a held tenant that consumers were not told of. */
export interface UntoldMailbox {
  readonly mailbox: MailboxRef;
  /** As it is stored, or empty. */
  readonly causeText: string;
  readonly cause: Cause | undefined;
}

export interface HoldTellerOptions {
  /** The `messages` queue; its connection carries the scripts. */
  readonly queue: Queue;
  readonly keys: RedisKeys;
  readonly clock: Clock;
  readonly holds: HoldReader;
  readonly untold: (tenant: string, count: number) => Promise<readonly UntoldMailbox[]>;
}

export async function createHoldTeller(options: HoldTellerOptions): Promise<HoldTeller> {
  const { queue, holds, untold } = options;
  const script = await defineScript(queue, tellScript());
  const template = await readJobTemplate(queue);
  return {
    async tell() {
      let done = 0;
      for (const [tenant, hold] of await holds.held()) {
        if (hold.cause.state !== "parked") continue;
        const answers = await Promise.all(
          (await untold(tenant, limits.tellChunk)).map((one) => tellOne(options, script, template, hold, one)),
        );
        done += answers.filter((answer) => answer === 1).length;
      }
      return done;
    },
  };
}

function tellOne(
  { keys, clock }: HoldTellerOptions,
  script: Run,
  template: JobTemplate,
  hold: TenantHold,
  { mailbox, cause, causeText }: UntoldMailbox,
): Promise<unknown> {
  const id = mailboxId(mailbox);
  const parking = tenantParking(mailbox, cause, hold, clock.now());
  const args = [hold.id, id, causeText, parking ? JSON.stringify(parking.cause) : "", limits.canaryAgainMs];
  return runScript(script, "tell", [
    [keys.hold(mailbox.tenant), keys.untold(mailbox.tenant), keys.mailbox(id), keys.lease(id), ...template.keys],
    [...args, ...jobArguments(template, clock)],
    parking ? [outgoing(parking.event)] : [],
  ]);
}
