import { GiveUp } from "./errors.ts";
import type { EventType, MailfleetEvent } from "./event.ts";

const types: Readonly<Record<EventType, true>> = {
  "message.added": true,
  "message.quarantined": true,
  "message.flags": true,
  "message.removed": true,
  "message.rekeyed": true,
  "folder.reset": true,
  "mailbox.parked": true,
  "mailbox.resumed": true,
};

/**
 * A job's data as an event. Undefined for a type that this version does not know, as the contract wants it: types are added.
 * @throws GiveUp for what is no event of this version: it must not pass for handled
 */
export function readEvent(data: unknown): MailfleetEvent | undefined {
  const { schema, type, key, mailbox, tenant } = (typeof data === "object" && data !== null ? data : {}) as Record<string, unknown>;
  if (schema !== "mailfleet.event/1") {
    throw new GiveUp(
      `the job is no event of mailfleet.event/1, but of ${typeof schema === "string" ? schema.slice(0, 60) : "no known schema"}`,
    );
  }
  if (typeof type !== "string" || typeof key !== "string" || typeof mailbox !== "string" || typeof tenant !== "string")
    throw new GiveUp("the event lacks its type, key, tenant or mailbox");
  return Object.hasOwn(types, type) ? (data as MailfleetEvent) : undefined;
}
