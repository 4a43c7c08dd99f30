import { lookup } from "node:dns";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, limits, type MailboxRef, type MailEvent, type MailSource, type Protocol, Secret } from "@mailfleet/core";
import { createByteBudget, type EnginePorts, type SyncSettings, syncMailbox } from "@mailfleet/engine";
import { createImapSource } from "@mailfleet/imap";
import { createPop3Source } from "@mailfleet/pop3";
import { systemClock, systemDigest } from "@mailfleet/runtime";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import {
  createMemoryBlobStore,
  createMemoryFleet,
  createMemorySignals,
  noSlots,
  openImapWorld,
  plainParser,
  seededChance,
  sharedDovecot,
  silentLog,
  type UidlStyle,
  uniqueName,
} from "@mailfleet/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sandboxToken } from "./sandbox-token.ts";

/** A mailbox at a real server, that both protocols read. */
interface Place {
  readonly address: string;
  readonly token: string;
  readonly sources: Readonly<Record<Protocol, MailSource>>;
  deliver(raw: Buffer, flags?: readonly string[]): Promise<number>;
  expunge(uid: number): Promise<void>;
  close(): Promise<void>;
}

const settings: SyncSettings = {
  pollMs: 300_000,
  freshWithinMs: 600_000,
  backfill: true,
  folders: { include: ["*"], exclude: [] },
  slice: { messages: 1_000, bytes: 64e6, seconds: 20 },
  smallHistory: { messages: 0, bytes: 0 },
  listMs: 0,
  compare: { recentMs: 0, wholeMs: 86_400_000, recentUids: 500 },
};

let dir: string;
let sandbox: Sandbox;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-move-"));
  sandbox = await startSandbox({ dataDir: join(dir, "sandbox"), tenants: [{ alias: "contoso", mailboxes: 4, messages: 0 }] });
});

afterAll(async () => {
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

function sourcesOf(
  imap: { readonly host: string; readonly port: number },
  pop3: { readonly host: string; readonly port: number },
  ca: string,
) {
  const options = { log: silentLog, scrub: (text: string) => text, clock: { monotonic: () => performance.now() }, lookUp: lookup };
  return {
    imap: createImapSource({ ...options, endpoint: () => ({ ...imap, tls: true, ca }) }),
    pop3: createPop3Source({ ...options, endpoint: () => ({ ...pop3, tls: true, ca }) }),
  };
}

async function inDovecot(style: UidlStyle): Promise<Place> {
  const dovecot = await sharedDovecot();
  const domain = `${uniqueName("contoso")}.example`;
  const address = `ann@${domain}`;
  await dovecot.addMailbox(address);
  await dovecot.setUidls(address, style);
  const token = await dovecot.issueToken({ domain });
  const sources = sourcesOf(dovecot.imap, dovecot.pop3, await readFile(dovecot.caFile, "utf8"));
  const world = await openImapWorld({
    source: sources.imap,
    mailbox: { tenant: "contoso", address, protocol: "imap" },
    token: { value: new Secret(token), expiresAt: Date.now() + 3_600_000 },
    client: { ...dovecot.imap, caFile: dovecot.caFile, user: address, token },
    resetUidValidity: () => Promise.resolve(),
  });
  return {
    address,
    token,
    sources,
    deliver: (raw, flags = []) => world.deliver("INBOX", raw, { flags }),
    expunge: (uid) => world.expunge("INBOX", [uid]),
    close: () => world.close(),
  };
}

let nextBox = 0;

async function inSandbox(): Promise<Place> {
  const address = sandbox.tenants[0]?.addresses[nextBox++];
  if (address === undefined) throw new Error("the sandbox has too few mailboxes for these tests");
  return {
    address,
    token: await sandboxToken(sandbox, "contoso"),
    sources: sourcesOf(sandbox.imap, sandbox.pop3, await readFile(sandbox.caFile, "utf8")),
    deliver: async (raw, flags = []) => {
      const uid = sandbox.deliver(address, "INBOX", raw);
      sandbox.setFlags(address, "INBOX", uid, flags);
      return uid;
    },
    expunge: async (uid) => sandbox.expunge(address, "INBOX", [uid]),
    close: () => Promise.resolve(),
  };
}

/** Mail as it is: copies, without an id, without any field that says something, and eight-bit. */
const odd = [
  ...["a", "b", "c", "d"].map(
    (name) => `Message-ID: <${name}@x>\r\nSubject: ${name}\r\nDate: Thu, 1 Jan 2026 10:00:00 +0000\r\n\r\n${name}\r\n`,
  ),
  "Message-ID: <copy@x>\r\nSubject: copy\r\n\r\nthe same\r\n",
  "Message-ID: <copy@x>\r\nSubject: copy\r\n\r\nthe same\r\n",
  "Subject: no id\r\nDate: Thu, 1 Jan 2026 10:00:00 +0000\r\n\r\nnone\r\n",
  "X-Nothing: here\r\n\r\nbare\r\n",
  "Message-ID: <eight@x>\r\nSubject: Gr\xfc\xdfe\r\n folded\r\n\r\n\xe4\r\n",
  "Message-ID: <dots@x>\r\nSubject: dots\r\n\r\n.\r\n..\r\n",
];

async function moving(place: Place, first: Protocol) {
  let mailbox: MailboxRef = { tenant: "contoso", address: place.address, protocol: first };
  let ahead = 0;
  // Minutes between two sessions: what is gone is told by the second that finds it so.
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead };
  const fleet = createMemoryFleet({ clock, chance: seededChance(1) });
  fleet.register(mailbox);
  const { store, handOff, breakers } = fleet.process();
  const ports: EnginePorts = {
    clock,
    chance: seededChance(2),
    digest: systemDigest,
    log: silentLog,
    tokens: { getToken: () => Promise.resolve({ value: new Secret(place.token), expiresAt: clock.now() + 3_600_000 }) },
    mail: { open: (ref, token, signal, known) => place.sources[ref.protocol].open(ref, token, signal, known) },
    blobs: createMemoryBlobStore(),
    mime: plainParser,
    store,
    handOff,
    breakers,
    gate: { shouldYield: () => Promise.resolve(false), isDraining: () => false },
    bytes: createByteBudget(64e6),
    slots: noSlots,
    signals: createMemorySignals(clock),
  };
  let told = 0;
  return {
    moveTo(protocol: Protocol): void {
      mailbox = { ...mailbox, protocol };
      fleet.register(mailbox);
    },
    /** What is told until nothing is left to do: how often of each type. */
    async settle(): Promise<Readonly<Record<string, number>>> {
      for (let round = 0; round < 3; round++) {
        for (const lane of ["fresh", "backfill"] as const) {
          const outcome = await syncMailbox(ports, settings, mailbox, lane, new AbortController().signal);
          expect(outcome.kind).toBe("done");
          ahead += limits.recheckMs;
        }
      }
      const events = fleet.jobs.slice(told).map(({ json }) => JSON.parse(json) as MailEvent);
      told = fleet.jobs.length;
      expect(fleet.repeatedIds).toEqual([]);
      expect(fleet.facts(mailbox).ledger.toDo).toBe(0);
      return Object.fromEntries(Object.entries(Object.groupBy(events, ({ type }) => type)).map(([type, all]) => [type, all.length]));
    },
  };
}

describe.each([
  ["Dovecot with Exchange's UIDLs", () => inDovecot("decimal")],
  ["Dovecot with its own UIDLs", () => inDovecot("opaque")],
  ["the sandbox", inSandbox],
])("a mailbox of %s", (_where, open) => {
  test.each(["imap", "pop3"] as const)(
    "that is read over %s is moved to the other protocol and back, and nothing is handed off twice",
    async (first) => {
      const place = await open();
      const other = first === "imap" ? "pop3" : "imap";
      for (const raw of odd) await place.deliver(Buffer.from(raw, "latin1"), ["\\Seen"]);
      const gone = await place.deliver(Buffer.from("Message-ID: <gone@x>\r\nSubject: gone\r\n\r\n"));
      const { settle, moveTo } = await moving(place, first);
      expect(await settle()).toEqual({ "message.added": odd.length + 1 });

      await place.expunge(gone);
      await place.deliver(Buffer.from("Message-ID: <new@x>\r\nSubject: new\r\n\r\n"));
      moveTo(other);
      expect(await settle()).toEqual({ "folder.reset": 1, "message.rekeyed": odd.length, "message.removed": 1, "message.added": 1 });

      moveTo(first);
      expect(await settle()).toEqual({ "folder.reset": 1, "message.rekeyed": odd.length + 1 });
      await place.close();
    },
  );
});
