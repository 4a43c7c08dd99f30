import { limits, type MailEvent } from "@mailfleet/core";
import { expect, test } from "vitest";
import { address, events, record, sandbox, setUpSyncBench, sync, truth, world } from "./sync-bench.ts";

setUpSyncBench({ messages: 30, protocol: "pop3" });

/** The head of an attachment that never ends. */
const endless = Buffer.from(
  "Subject: endless\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; filename=all.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n",
);
const small = (subject: string): Buffer => Buffer.from(`Subject: ${subject}\r\n\r\n${subject}\r\n`);

/** Sessions until nothing is left to do. */
async function settle(most: number): Promise<number> {
  for (let sessions = 1; sessions <= most; sessions++) {
    const outcome = await sync("backfill");
    world.clockOffset += limits.unfetchableRetryMs + 1;
    if (outcome.kind === "done" && (await record())?.ledger?.toDo === 0) return sessions;
  }
  return Number.POSITIVE_INFINITY;
}

const uidlOf = (event: MailEvent): string | undefined => ("uidl" in event ? event.uidl : undefined);

/** Over POP3 a message ends where a line does. */
const lineEnd = 2;

test.each([
  ["below the limit is handed off whole", 60_000_000, "message.added", 60_000_000 + lineEnd],
  ["above the limit is quarantined with its head", 300_000_000, "message.quarantined", limits.oversizedHeadBytes],
])(
  "a message over POP3 that is announced as small, and %s, is no other message's fault and is not marked as read",
  async (_what, bytes, type, kept) => {
    const uid = sandbox.deliver(address, "INBOX", endless);
    sandbox.deliver(address, "INBOX", small("after"));
    sandbox.faults.add({ mailbox: address, folder: "INBOX", uid, name: "padded", params: { bytes, announced: 3_000 } });
    // One breaks, one finds it, one that is dropped behind it goes on, and one has nothing to do.
    expect(await settle(6)).toBeLessThanOrEqual(4);
    const all = (await events()).filter((event) => event.type === "message.added" || event.type === "message.quarantined");
    expect(all.map((event) => uidlOf(event) ?? "").sort()).toEqual(
      truth("INBOX")
        .map((one) => String(one.uid))
        .sort(),
    );
    expect(all.find((event) => uidlOf(event) === String(uid))).toMatchObject({ type, raw: { size: kept } });
    expect(all.filter((event) => event.type === "message.quarantined")).toHaveLength(type === "message.added" ? 0 : 1);
    for (const message of truth("INBOX").filter((one) => one.uid >= uid)) expect(message.flags()).not.toContain("\\Seen");
  },
  120_000,
);
