import type { Cause, FolderLedger } from "@mailfleet/core";
import type { MailboxRecord } from "@mailfleet/store";

/** A moment for tests: 2026-11-23 14:03:02 UTC. */
export const testNow = Date.UTC(2026, 10, 23, 14, 3, 2);

export function testLedger(given: Partial<FolderLedger> = {}): FolderLedger {
  const { handedOff = 0, excluded = 0, quarantined = 0, toDo = 0 } = given;
  return { listed: handedOff + excluded + quarantined + toDo, handedOff, excluded, quarantined, toDo, ...given };
}

/** A mailbox that was checked 5 s ago and is whole, unless it is said otherwise. */
export function testMailbox(id: string, given: Partial<MailboxRecord> = {}): MailboxRecord {
  const slash = id.indexOf("/");
  return {
    id,
    tenant: id.slice(0, slash),
    address: id.slice(slash + 1),
    protocol: "imap",
    checkedAt: testNow - 5_000,
    nextAt: testNow + 300_000,
    isSyncing: false,
    hasHistory: false,
    ledger: testLedger({ handedOff: 100 }),
    ...given,
  };
}

export function testCause(given: Partial<Cause> = {}): Cause {
  return {
    code: "SERVER_THROTTLED",
    scope: "mailbox",
    text: "Suggested Backoff Time: 12000 milliseconds",
    since: testNow - 1_000,
    tries: 1,
    nextAt: testNow + 12_000,
    state: "waiting",
    ...given,
  };
}

/** The two planted troubles of the sandbox, amid three tenants. */
export function plantedFleet(): MailboxRecord[] {
  const fill = (tenant: string, count: number, ledger: FolderLedger): MailboxRecord[] =>
    Array.from({ length: count }, (_, i) => testMailbox(`${tenant}/user${i}@${tenant}.example`, { ledger }));
  return [
    ...fill("contoso", 39, testLedger({ handedOff: 143, toDo: 62 })),
    testMailbox("contoso/hr@contoso.example", {
      ledger: testLedger(),
      cause: testCause({ code: "MAILBOX_ACCESS_DENIED", state: "parked", tries: 3 }),
    }),
    ...fill("fabrikam", 14, testLedger({ handedOff: 80, toDo: 177 })),
    testMailbox("fabrikam/ap@fabrikam.example", { ledger: testLedger({ toDo: 2 }), cause: testCause() }),
    ...fill("northwind", 5, testLedger({ handedOff: 172, quarantined: 1, excluded: 3 })),
  ];
}
