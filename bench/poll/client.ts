import { ImapFlow } from "imapflow";
import { Secret, type Log, type MailboxRef } from "@mailfleet/core";
import { createImapSource } from "@mailfleet/imap";
import { boundedLookUp, createTlsMemory, systemClock } from "@mailfleet/runtime";
import { type ClientAnswer, type ClientOrder, idleContestants } from "./orders.ts";

/*
 * One contestant in a process of its own, so that its CPU is told from the mail server's: takes an order, polls that often, says what it took.
 */

const silentLog: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

process.once("message", (message: unknown) => {
  void run(message as ClientOrder).then(
    (answer) => process.send?.(answer, () => process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});

async function run(order: ClientOrder): Promise<ClientAnswer> {
  const poll = pollerOf(order);
  const addressAt = (at: number): string => order.addresses[at % order.addresses.length] as string;
  for (let at = 0; at < order.warmUp; at++) await poll(addressAt(at));
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  for (let at = 0; at < order.polls; at++) await poll(addressAt(at));
  const used = process.cpuUsage(cpu);
  return {
    cpuMs: (used.user + used.system) / 1_000 / order.polls,
    wallMs: (performance.now() - startedAt) / order.polls,
  };
}

function pollerOf({ contestant, port, ca, token, folders }: ClientOrder): (address: string) => Promise<void> {
  const { signal } = new AbortController();
  const refOf = (address: string): MailboxRef => ({ tenant: "contoso", address, protocol: "imap" });
  const given = { value: new Secret(token), expiresAt: Date.now() + 3_600_000 };
  const source = createImapSource({
    endpoint: () => ({ host: "localhost", port, tls: true, ca }),
    log: silentLog,
    scrub: (text) => text,
    clock: systemClock,
    lookUp: boundedLookUp(),
    ...(contestant !== idleContestants.coldLook && { tlsMemory: createTlsMemory(systemClock) }),
  });
  switch (contestant) {
    case idleContestants.imapflow:
      return async (user) => {
        const client = new ImapFlow({
          host: "localhost",
          port,
          secure: true,
          tls: { ca },
          auth: { user, accessToken: token },
          logger: false,
        });
        await client.connect();
        await client.status("INBOX", { messages: true, uidNext: true, uidValidity: true, unseen: true });
        await client.logout();
      };
    case idleContestants.session:
      return async (address) => {
        const session = await source.open(refOf(address), given, signal);
        for (const { path } of await session.listFolders()) if (folders.some((one) => one.path === path)) await session.status(path);
        await session.close();
      };
    case idleContestants.look:
    case idleContestants.coldLook:
      return async (address) => {
        const answers = await source.look?.(refOf(address), given, signal, { folders, hasModSeq: false });
        if (answers?.length !== folders.length) throw new Error("the look did not tell the numbers of all folders");
      };
  }
}
