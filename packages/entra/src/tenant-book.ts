import { type Clock, type Log, syncError } from "@mailfleet/core";
import type { EntraCredential, EntraTenant } from "./entra-tenant.ts";
import { assertionEnd, type IdentityEnvironment, readCredential } from "./read-credential.ts";
import { type CredentialSettings, filesOf, type TenantSettings } from "./tenant-settings.ts";
import { WatchedFiles } from "./watched-files.ts";

export interface TenantBookDeps {
  /** By alias. */
  readonly tenants: Readonly<Record<string, TenantSettings>>;
  /** Where Azure says who gives tokens to a managed identity. */
  readonly env: IdentityEnvironment;
  readonly clock: Pick<Clock, "now" | "sleep">;
  readonly log: Log;
  /** Told of every secret that may come near a text, so that no log shows it. */
  readonly hide: (secret: string) => void;
}

/** The tenants of a configuration as the token source and the mail source need them, with what their files hold now. */
export interface TenantBook {
  /** @throws SyncError CONFIG_INVALID with everything that keeps any tenant from being used */
  requireAll(): void;
  /** The same object until something of it changes. @throws SyncError CONFIG_INVALID when it can't be used */
  tenant(alias: string): EntraTenant | undefined;
  tenants(): readonly EntraTenant[];
  /** Certificate authorities of the tenant's own hosts, PEM. */
  caPem(alias: string): string | undefined;
  /** Reads what changed on disk. Throws only what `signal` aborts with. */
  look(signal?: AbortSignal): Promise<void>;
  /** What is wrong with files now, in sentences. The last good content stays in use. */
  problems(): readonly string[];
}

interface Entry {
  readonly settings: TenantSettings;
  tenant: EntraTenant;
}

/** Never rejects: a tenant whose credential can't be used says so when it is asked for. */
export async function openTenantBook(deps: TenantBookDeps): Promise<TenantBook> {
  const { log, clock, hide } = deps;
  const files = new WatchedFiles(new Set(Object.values(deps.tenants).flatMap(allFiles)), clock);
  await files.open();
  const entries = new Map<string, Entry>();
  /** What keeps a tenant from being used at all, since the start. */
  const broken = new Map<string, string>();
  /** By file or place; a problem that was seen twice is told. */
  let problems = new Map<string, string>();
  let told = new Set<string>();

  for (const settings of Object.values(deps.tenants)) {
    const failed: string[] = [];
    const credential = read(settings, "credential", settings.credential, (sentence) => failed.push(sentence));
    const next = settings.nextCredential;
    const nextCredential = next && read(settings, "nextCredential", next, (sentence) => failed.push(sentence));
    const ca = caOf(settings, (sentence) => failed.push(sentence));
    if (failed.length > 0) broken.set(settings.alias, failed.join("\n"));
    else if (credential) entries.set(settings.alias, { settings, tenant: tenantOf(settings, credential, nextCredential, ca) });
  }
  const refuse = (sentences: Iterable<string>): never => {
    throw syncError("CONFIG_INVALID", [...sentences].join("\n"), { layer: "entra" });
  };

  function read(
    { alias }: TenantSettings,
    place: "credential" | "nextCredential",
    settings: CredentialSettings,
    report: (sentence: string) => void,
  ): EntraCredential | undefined {
    const result = readCredential(settings, files.textOf, deps.env);
    if ("problem" in result) {
      report(`tenants.${alias}.${place}: ${result.problem}.`);
      return undefined;
    }
    const { credential } = result;
    if (credential.kind === "secret") hide(credential.secret.reveal());
    if (credential.kind === "managedIdentity" && credential.endpoint.header) hide(credential.endpoint.header.reveal());
    return credential;
  }

  function caOf({ alias, endpoints }: TenantSettings, report: (sentence: string) => void): string | undefined {
    if (endpoints.caFile === undefined) return undefined;
    const text = files.textOf(endpoints.caFile) ?? "";
    const begun = text.match(/^-----BEGIN CERTIFICATE-----\s*$/gm)?.length ?? 0;
    // A bundle cut off in the middle would let some hosts in and others not.
    if (begun > 0 && begun === text.match(/^-----END CERTIFICATE-----\s*$/gm)?.length) return text;
    report(`tenants.${alias}.endpoints.caFile: ${endpoints.caFile} holds no whole certificate in PEM.`);
    return undefined;
  }

  function tenantOf(
    settings: TenantSettings,
    credential: EntraCredential,
    nextCredential: EntraCredential | undefined,
    ca: string | undefined,
  ): EntraTenant {
    const { alias, tenantId, clientId, cloud, endpoints } = settings;
    return {
      alias,
      tenantId,
      clientId,
      credential,
      ...(nextCredential && { nextCredential }),
      authority: endpoints.authority,
      isCustomAuthority: cloud === "custom",
      scope: endpoints.scope,
      ...(ca !== undefined && { caPem: ca }),
      protocols: protocolsOf(settings),
    };
  }

  /** A credential whose files did not change, or no longer make one, stays the object that it was. */
  function refresh(entry: Entry, changed: ReadonlySet<string>, found: Map<string, string>): void {
    const { settings, tenant } = entry;
    const again = (place: "credential" | "nextCredential", before: EntraCredential | undefined): EntraCredential | undefined => {
      const own = settings[place];
      if (!own) return undefined;
      const isTouched = filesOf(own).some((file) => changed.has(file));
      if (!isTouched && !problems.has(`${settings.alias} ${place}`)) return before;
      const now = read(settings, place, own, (sentence) => found.set(`${settings.alias} ${place}`, sentence));
      if (now && isTouched) log.info({ tenant: settings.alias, which: place, kind: now.kind }, "credential read anew");
      return now ?? before;
    };
    const credential = again("credential", tenant.credential) ?? tenant.credential;
    const nextCredential = again("nextCredential", tenant.nextCredential);
    const ca = caOf(settings, (sentence) => found.set(`${settings.alias} ca`, sentence)) ?? tenant.caPem;
    if (credential === tenant.credential && nextCredential === tenant.nextCredential && ca === tenant.caPem) return;
    entry.tenant = tenantOf(settings, credential, nextCredential, ca);
  }

  return {
    requireAll: () => void (broken.size > 0 && refuse(broken.values())),
    tenant(alias) {
      const failure = broken.get(alias);
      return failure === undefined ? entries.get(alias)?.tenant : refuse([failure]);
    },
    tenants: () => [...entries.values()].map(({ tenant }) => tenant),
    caPem: (alias) => entries.get(alias)?.tenant.caPem,
    problems: () => [...problems.values()].map((sentence) => `${sentence} What was read last stays in use.`),
    async look(signal) {
      const { changed, missing } = await files.look(signal);
      const found = new Map<string, string>();
      for (const file of missing) found.set(file, `${file} cannot be read.`);
      for (const entry of entries.values()) refresh(entry, changed, found);
      for (const { settings, tenant } of entries.values()) {
        const sentence = staleAssertion(tenant, clock.now());
        if (sentence !== undefined) found.set(`${settings.alias} stale`, sentence);
      }
      // A pair of files is replaced one after the other: only what is still wrong at the next look is worth a word.
      for (const [place, sentence] of found) {
        if (problems.has(place) && !told.has(place))
          log.warn({ problem: sentence }, "a credential's file is not usable, the last good one stays");
      }
      told = new Set([...found.keys()].filter((place) => problems.has(place)));
      problems = found;
    },
  };
}

/** A tenant all of whose mailboxes are read over POP3 needs no permission for IMAP. */
function protocolsOf({ protocol, mailboxes = [] }: TenantSettings): EntraTenant["protocols"] {
  return mailboxes.length === 0 ? [protocol] : [...new Set(mailboxes.map((mailbox) => mailbox.protocol))];
}

function allFiles({ credential, nextCredential, endpoints }: TenantSettings): readonly string[] {
  return [
    ...filesOf(credential),
    ...(nextCredential ? filesOf(nextCredential) : []),
    ...(endpoints.caFile === undefined ? [] : [endpoints.caFile]),
  ];
}

/** Whoever renews the token has stopped; the login service would say so with a word about clocks. */
function staleAssertion({ alias, credential }: EntraTenant, now: number): string | undefined {
  if (credential.kind !== "federated") return undefined;
  const end = assertionEnd(credential.assertion.reveal());
  return end !== undefined && end < now
    ? `tenants.${alias}.credential: the token in its file has ended, nobody wrote a new one.`
    : undefined;
}
