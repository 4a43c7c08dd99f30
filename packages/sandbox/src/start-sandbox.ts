import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { World } from "./world/base-folder.ts";
import { CorpusWorld } from "./world/corpus-world.ts";
import { GeneratedWorld, defaultTenants } from "./world/generated-world.ts";
import { MessageGenerator } from "./world/message-generator.ts";
import { hashText, Random } from "./world/random.ts";
import { prepareCertificates } from "./entra/certificates.ts";
import { removeControlFile, writeControlFile } from "./control/control-file.ts";
import { createControlServer } from "./control/control-server.ts";
import { badCertificatesOf } from "./entra/bad-certificates.ts";
import type { DirectoryControls, DirectoryTenant } from "./entra/directory.ts";
import { createEntra } from "./entra/entra.ts";
import { MailboxCounts } from "./mail/mailbox-counters.ts";
import type { MailboxCounters, TenantCounters } from "./mail/mailbox-counters.ts";
import { ServerBudgets } from "./mail/server-budget.ts";
import { createImapServer } from "./imap/imap-server.ts";
import { withLineEnd } from "./pop3/dot-stuffing.ts";
import { createPop3Server } from "./pop3/pop3-server.ts";
import type { MailServices } from "./mail/services.ts";
import { FaultBook } from "./faults/fault-book.ts";
import { faultCatalogue } from "./faults/catalogue.ts";
import { checkOrder, type FaultOrder, type MailProtocol } from "./faults/fault-spec.ts";
import { findMissingPlaces } from "./faults/read-order.ts";
import { startFaultClock, type FaultClock } from "./fault-clock.ts";
import { createMailControls } from "./mail-controls.ts";
import type { MailControls } from "./mail-controls.ts";
import { MailStore } from "./store/mail-store.ts";
import { prepareDataDir, writeClientFiles } from "./client-files.ts";
import { SandboxOptionsError, checkOptions, tenantSpecs } from "./options.ts";
import type { SandboxOptions } from "./options.ts";
import { closeServer, listen } from "./listen.ts";
import { listTruth, type TruthEntry } from "./truth.ts";
import { Troubles } from "./troubles.ts";
import { startTrickle } from "./trickle.ts";

export interface SandboxTenant {
  readonly alias: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly addresses: readonly string[];
  readonly mailboxes: number;
  /** In mail folders at the start of the world; live deliveries come on top. */
  readonly messages: number;
}

export interface SandboxCounters {
  /** By tenant alias; `unknown` for a tenant that is not there. */
  readonly tokenRequests: ReadonlyMap<string, number>;
  /** By tenant alias and credential: `contoso secret-1`, `contoso managed-identity`, `contoso none` where none was recognised. */
  readonly credentialUses: ReadonlyMap<string, number>;
  /** Over IMAP, by verb; `login` and `login refused` count the outcomes. */
  readonly commands: ReadonlyMap<string, number>;
  /** The same over POP3. */
  readonly pop3Commands: ReadonlyMap<string, number>;
  /** By address, for every mailbox that a good token came for. */
  readonly mailboxes: ReadonlyMap<string, MailboxCounters>;
  /** By alias. */
  readonly tenants: ReadonlyMap<string, TenantCounters>;
}

/** A running sandbox. */
export interface Sandbox extends MailControls, DirectoryControls {
  /** `https://NAME:PORT`; a tenant's authority is this, a slash and the tenant id. */
  readonly authority: string;
  readonly imap: { readonly host: string; readonly port: number };
  readonly pop3: { readonly host: string; readonly port: number };
  /** `http://127.0.0.1:PORT`, as AZURE_POD_IDENTITY_AUTHORITY_HOST wants it: a cloud machine's metadata service. */
  readonly managedIdentityUrl: string;
  readonly caFile: string;
  readonly configFile: string;
  /** Where the control API is, and its token. */
  readonly controlFile: string;
  readonly seed: string;
  readonly tenants: readonly SandboxTenant[];
  readonly counters: SandboxCounters;
  /** What the servers do wrong, by name, place and time. */
  readonly faults: Pick<FaultBook, "add" | "remove" | "clear" | "list">;
  /** Every message, mailbox by mailbox. */
  readonly truth: () => Iterable<TruthEntry>;
  /** The bytes that a FETCH of BODY[] sends. @throws RangeError if there is no such message */
  readonly bytes: (address: string, folder: string, uid: number) => Buffer;
  /**
   * What a client has that unstuffed what RETR sent of a message in INBOX: `bytes`, and the end of the last line where it has none.
   * @throws RangeError if there is no such message
   */
  readonly pop3Bytes: (address: string, uid: number) => Buffer;
  readonly close: () => Promise<void>;
}

/**
 * Microsoft 365 in a box: a token endpoint and an Exchange-like IMAP and POP3 server on loopback, over invented mailboxes or a corpus.
 * @throws SandboxOptionsError or CorpusError before anything is started
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  checkOptions(options);
  const seed = String(options.seed ?? 1);
  const dataDir = resolve(options.dataDir);
  const { host = "127.0.0.1", name = "localhost" } = options;
  const isDefaultWorld = options.tenants === undefined && options.corpus === undefined;
  const generator = await MessageGenerator.create();
  const world: World =
    options.corpus === undefined
      ? new GeneratedWorld(generator, seed, tenantSpecs(options, defaultTenants), isDefaultWorld)
      : new CorpusWorld(resolve(options.corpus), seed, options.corpusInboxOnly);

  checkOrders(options.faultOrders ?? [], world);
  prepareDataDir(dataDir);
  const certificate = await prepareCertificates(dataDir, name);
  const store = new MailStore(world, join(dataDir, `deliveries-${hashText(world.key).toString(16)}.log`));
  let faultClock: FaultClock | undefined;
  const faults = new FaultBook({
    now: Date.now,
    random: (fault) => {
      const random = new Random(hashText(`${seed}/${fault}`));
      return () => random.fraction();
    },
    onAdd: () => faultClock?.look(),
  });

  const troubles = new Troubles(faults, Date.now);
  if (options.faults ?? isDefaultWorld) troubles.plant();
  const counts = new MailboxCounts();

  const commands = new Map<string, number>();
  const pop3Commands = new Map<string, number>();
  const entra = await createEntra({
    seed,
    dataDir,
    aliases: world.tenants.map(({ alias }) => alias),
    certificate,
    name,
    faults,
    tokenLifetimeSeconds: options.tokenLifetimeSeconds,
    managedIdentityLifetimeSeconds: options.managedIdentityLifetimeSeconds,
  });
  const { directory, issuer, tokenServer, identityServer } = entra;
  const { key, cert } = certificate;
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { ref: false });
  const budgets = new ServerBudgets({ faults, now: () => performance.now(), sleep: pause });
  const services = (protocol: MailProtocol, counted: Map<string, number>): MailServices => ({
    protocol,
    store,
    verifyToken: (token) => issuer.verify(token),
    aliasOf: (tenantId) => directory.find((tenant) => tenant.tenantId === tenantId)?.alias,
    faults: faults.over(protocol),
    budgets,
    counts,
    sleep: pause,
    count: (what) => counted.set(what, (counted.get(what) ?? 0) + 1),
    frontEnd: "MF1P000CA0001.SANDBOX.EXAMPLE",
  });
  const tlsOf = (fault: "imap-certificate" | "pop3-certificate") => ({
    key,
    cert,
    SNICallback: badCertificatesOf(fault, faults, dataDir),
  });
  const imapServer = createImapServer(tlsOf("imap-certificate"), services("imap", commands));
  const pop3Server = createPop3Server(tlsOf("pop3-certificate"), services("pop3", pop3Commands));
  let tokenPort: number;
  let imapPort: number;
  let pop3Port: number;
  let identityPort: number;
  let controlPort: number;
  const controlToken = randomBytes(32).toString("base64url");
  const controlServer = createControlServer(controlToken, () => sandbox);
  try {
    tokenPort = await listen(tokenServer, host, options.tokenPort ?? 0, "token");
    imapPort = await listen(imapServer.server, host, options.imapPort ?? 0, "IMAP");
    pop3Port = await listen(pop3Server.server, host, options.pop3Port ?? 0, "POP3");
    identityPort = await listen(identityServer, "127.0.0.1", 0, "managed identity");
    controlPort = await listen(controlServer, "127.0.0.1", 0, "control");
  } catch (error) {
    for (const server of [tokenServer, imapServer.server, pop3Server.server, identityServer]) server.close();
    store.close();
    throw error;
  }
  const authority = `https://${name}:${String(tokenPort)}`;
  const imap = { host: name, port: imapPort };
  const pop3 = { host: name, port: pop3Port };
  const configFile = writeClientFiles({
    dataDir,
    authority,
    imap,
    pop3,
    caFile: certificate.caFile,
    tenants: directory,
    worldTenants: world.tenants,
  });
  const controls = createMailControls(store, troubles);
  faultClock = startFaultClock({ faults, store, controls, lookAround: imapServer.lookAround });
  const stopTrickle = startTrickle(
    store,
    generator,
    seed,
    options.trickle ?? 0,
    (mailbox) => faults.holds("auth-not-connected", { mailbox }) !== undefined,
  );

  const mustTenant = (alias: string): DirectoryTenant => {
    const tenant = directory.find((other) => other.alias === alias);
    if (!tenant) throw new RangeError(`the sandbox has no tenant ${alias}`);
    return tenant;
  };
  for (const order of options.faultOrders ?? []) faults.add(order);
  const sandbox: Sandbox = {
    ...controls,
    ...entra.controls,
    authority,
    imap,
    pop3,
    managedIdentityUrl: `http://127.0.0.1:${String(identityPort)}`,
    caFile: certificate.caFile,
    configFile,
    controlFile: writeControlFile(dataDir, { url: `http://127.0.0.1:${String(controlPort)}`, token: controlToken, pid: process.pid }),
    seed,
    tenants: world.tenants.map((tenant) => {
      const { tenantId, clientId } = mustTenant(tenant.alias);
      return {
        alias: tenant.alias,
        tenantId,
        clientId,
        addresses: tenant.addresses,
        mailboxes: tenant.addresses.length,
        messages: tenant.messages,
      };
    }),
    counters: { ...entra.counters, commands, pop3Commands, mailboxes: counts.byAddress, tenants: counts.byTenant },
    faults,
    truth: () => listTruth(store),
    bytes: (address, folder, uid) => store.bytes(address.toLowerCase(), store.must(address, folder), uid),
    pop3Bytes: (address, uid) => withLineEnd(store.bytes(address.toLowerCase(), store.must(address, "INBOX"), uid)),
    close: async () => {
      stopTrickle();
      removeControlFile(sandbox.controlFile);
      faultClock?.stop();
      imapServer.endSessions();
      pop3Server.endSessions();
      tokenServer.closeAllConnections();
      identityServer.closeAllConnections();
      controlServer.closeAllConnections();
      await Promise.all([tokenServer, imapServer.server, pop3Server.server, identityServer, controlServer].map(closeServer));
      store.close();
    },
  };
  return sandbox;
}

/** @throws SandboxOptionsError with all that is wrong, and all that the world does not have */
function checkOrders(orders: readonly FaultOrder[], { tenants }: World): void {
  const aliases = tenants.map(({ alias }) => alias);
  const hasMailbox = (address: string): boolean => tenants.some(({ addresses }) => addresses.includes(address));
  const problems = orders.flatMap((order) => {
    const checked = checkOrder(order, faultCatalogue);
    const found = [...("problems" in checked ? checked.problems : []), ...findMissingPlaces(order, aliases, hasMailbox)];
    return found.map((problem) => `the fault ${order.name}: ${problem}`);
  });
  if (problems.length > 0) throw new SandboxOptionsError(problems.join("\n"));
}
