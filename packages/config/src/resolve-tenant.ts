import type { Cloud, Credential, Endpoints, MailEndpoint, TenantConfig } from "./config.ts";
import { readSecret, requireFile } from "./files.ts";
import { isLinkLocal, isLoopback } from "./hosts.ts";
import type { Reading } from "./reading.ts";
import { resolveMailboxes, type SeenMailboxes } from "./resolve-mailboxes.ts";
import type { CredentialFile, TenantFile } from "./schema.ts";
import { describeValue } from "./show.ts";
import type { Path } from "./yaml-source.ts";

const credentialKinds = ["secretFile", "secretEnv", "certificate", "federated", "managedIdentity"] as const;
const expectedCredential = "expected one of secretFile, secretEnv, certificate, federated or managedIdentity";

/**
 * Login host, scope and mail host of Microsoft's clouds (Microsoft's documents for global; for the others as Microsoft's own
 * libraries and samples name them).
 */
const clouds: Record<Exclude<Cloud, "custom">, { authority: string; scope: string; host: string }> = {
  global: {
    authority: "https://login.microsoftonline.com",
    scope: "https://outlook.office365.com/.default",
    host: "outlook.office365.com",
  },
  usgov: { authority: "https://login.microsoftonline.us", scope: "https://outlook.office365.us/.default", host: "outlook.office365.us" },
  dod: { authority: "https://login.microsoftonline.us", scope: "https://outlook.office365.us/.default", host: "outlook-dod.office365.us" },
  china: {
    authority: "https://login.partner.microsoftonline.cn",
    scope: "https://partner.outlook.cn/.default",
    host: "partner.outlook.cn",
  },
};

/** One tenant, complete; undefined when something of it had to be reported. */
export function resolveTenant(reading: Reading, alias: string, tenant: TenantFile, seen: SeenMailboxes): TenantConfig | undefined {
  const path: Path = ["tenants", alias];
  const protocol = tenant.protocol ?? "imap";
  const cloud = tenant.cloud ?? "global";
  const credential = resolveCredential(reading, [...path, "credential"], tenant.credential);
  const nextCredential = resolveCredential(reading, [...path, "nextCredential"], tenant.nextCredential);
  const endpoints = resolveEndpoints(reading, path, cloud, tenant);
  const mailboxes = resolveMailboxes(reading, path, { list: tenant.mailboxes, file: tenant.mailboxesFile, protocol }, seen);
  if (endpoints !== undefined) requireEndpoints(reading, path, endpoints, [protocol, ...mailboxes.map((mailbox) => mailbox.protocol)]);
  const { tenantId, clientId } = tenant;
  if (tenantId === undefined || clientId === undefined || credential === undefined || endpoints === undefined) return undefined;
  return {
    alias,
    tenantId: tenantId.toLowerCase(),
    clientId: clientId.toLowerCase(),
    credential,
    ...(nextCredential !== undefined && { nextCredential }),
    cloud,
    endpoints,
    protocol,
    mailboxes,
  };
}

function resolveCredential(reading: Reading, path: Path, credential: CredentialFile | undefined): Credential | undefined {
  if (credential === undefined) return undefined;
  const kinds = credentialKinds.filter((kind) => credential[kind] !== undefined);
  if (kinds.length === 0 && !reading.hasProblem(path)) reading.report(path, "says no way to prove who mailfleet is", expectedCredential);
  if (kinds.length > 1) reading.report(path, `has ${kinds.join(" and ")}`, expectedCredential);
  const expiresAt = expiry(reading, [...path, "expires"], credential.expires);
  const common = expiresAt === undefined ? {} : { expiresAt };

  const secret = readSecret(
    reading,
    path,
    { file: credential.secretFile, env: kinds.length > 1 ? undefined : credential.secretEnv },
    { file: "secretFile", env: "secretEnv" },
  );
  if (secret !== undefined) return { kind: "secret", ...secret, ...common };
  const { certificate, federated, managedIdentity } = credential;
  if (certificate?.keyFile !== undefined && certificate.certFile !== undefined) {
    const keyFile = requireFile(reading, [...path, "certificate", "keyFile"], certificate.keyFile);
    const certFile = requireFile(reading, [...path, "certificate", "certFile"], certificate.certFile);
    const at: Path = [...path, "certificate"];
    const passphrase = readSecret(
      reading,
      at,
      { file: certificate.passphraseFile, env: certificate.passphraseEnv },
      { file: "passphraseFile", env: "passphraseEnv" },
    );
    if (keyFile === undefined || certFile === undefined) return undefined;
    return { kind: "certificate", keyFile, certFile, ...(passphrase && { passphrase: passphrase.secret }), ...common };
  }
  if (federated?.tokenFile !== undefined) {
    const tokenFile = requireFile(reading, [...path, "federated", "tokenFile"], federated.tokenFile);
    return tokenFile === undefined ? undefined : { kind: "federated", tokenFile, ...common };
  }
  if (managedIdentity === undefined) return undefined;
  return { kind: "managedIdentity", ...(managedIdentity.clientId !== undefined && { clientId: managedIdentity.clientId }), ...common };
}

function expiry(reading: Reading, path: Path, date: string | undefined): number | undefined {
  if (date === undefined) return undefined;
  const at = Date.parse(`${date}T00:00:00Z`);
  // Some engines roll 02-30 over to 03-02: a day that does not come back as written is none.
  if (!Number.isNaN(at) && new Date(at).toISOString().startsWith(date)) return at;
  reading.report(path, describeValue(date), "expected a date that exists, such as 2027-05-01");
  return undefined;
}

function resolveEndpoints(reading: Reading, path: Path, cloud: Cloud, tenant: TenantFile): Endpoints | undefined {
  const own = tenant.endpoints;
  const at: Path = [...path, "endpoints"];
  if (cloud !== "custom") {
    if (own !== undefined) reading.report(at, `is there, but cloud is ${cloud}`, "expected cloud: custom, or no endpoints");
    const { authority, scope, host } = clouds[cloud];
    return { authority, scope, imap: { host, port: 993, tls: true }, pop3: { host, port: 995, tls: true } };
  }
  if (own === undefined) {
    if (!reading.hasProblem(at)) reading.report(at, "is missing", "expected authority, scope and imap or pop3, because cloud is custom");
    return undefined;
  }
  const authority = own.authority === undefined ? undefined : checkedAuthority(reading, [...at, "authority"], own.authority);
  const imap = mailEndpoint(reading, [...at, "imap"], own.imap, 993);
  const pop3 = mailEndpoint(reading, [...at, "pop3"], own.pop3, 995);
  const caFile = own.caFile === undefined ? undefined : requireFile(reading, [...at, "caFile"], own.caFile);
  if (authority === undefined || own.scope === undefined) return undefined;
  return {
    authority,
    scope: own.scope,
    ...(imap !== undefined && { imap }),
    ...(pop3 !== undefined && { pop3 }),
    ...(caFile !== undefined && { caFile }),
  };
}

/** The client secret goes there: https, or this machine; nothing that would travel along in messages. */
function checkedAuthority(reading: Reading, path: Path, text: string): string | undefined {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    url = undefined;
  }
  if (url !== undefined && isLinkLocal(url.hostname)) {
    reading.report(path, "is a link-local address, where no login service is", "expected https://host:port");
    return undefined;
  }
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  if (url !== undefined && isSafe && url.username === "" && url.password === "" && url.search === "" && url.hash === "")
    return url.href.replace(/\/+$/, "");
  reading.report(
    path,
    url?.protocol === "http:" ? "is not encrypted and not on this machine" : "is no such URL (not shown)",
    "expected https://host:port without user, query or fragment",
  );
  return undefined;
}

function mailEndpoint(
  reading: Reading,
  path: Path,
  own: { host?: string | undefined; port?: number | undefined; tls?: boolean | undefined } | undefined,
  port: number,
): MailEndpoint | undefined {
  if (own?.host === undefined) return undefined;
  const host = own.host.replace(/^\[(.*)\]$/, "$1");
  const tls = own.tls ?? true;
  if (isLinkLocal(host)) reading.report([...path, "host"], "is a link-local address, where no mail server is", "expected the mail host");
  if (!tls && !isLoopback(host))
    reading.report([...path, "tls"], "is false, and the host is another machine: the token would travel in the clear", "expected true");
  return { host, port: own.port ?? port, tls };
}

function requireEndpoints(reading: Reading, path: Path, endpoints: Endpoints, protocols: readonly ("imap" | "pop3")[]): void {
  for (const protocol of new Set(protocols)) {
    const at = [...path, "endpoints", protocol];
    if (endpoints[protocol] === undefined && !reading.hasProblem(at))
      reading.report(at, "is missing", `expected host and port, because mailboxes use ${protocol}`);
  }
}
