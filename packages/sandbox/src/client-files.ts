import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DirectoryTenant, makeSecret } from "./entra/directory.ts";
import type { WorldTenant } from "./world/base-folder.ts";

export interface ClientFilesInput {
  readonly dataDir: string;
  readonly authority: string;
  readonly imap: { readonly host: string; readonly port: number };
  readonly pop3: { readonly host: string; readonly port: number };
  readonly caFile: string;
  readonly tenants: readonly DirectoryTenant[];
  readonly worldTenants: readonly WorldTenant[];
}

export function prepareDataDir(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  chmodSync(dataDir, 0o700);
}

/** The tenant's secret of an earlier start, or a new one that looks like Entra's. */
export function readOrMakeSecret(dataDir: string, alias: string): string {
  const path = secretFile(dataDir, alias);
  const known = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  if (known !== "") return known;
  const secret = makeSecret();
  writeSecret(dataDir, alias, secret);
  return secret;
}

export function writeSecret(dataDir: string, alias: string, secret: string): void {
  replaceFile(secretFile(dataDir, alias), `${secret}\n`, 0o600);
}

/** Mailbox lists and a `mailfleet.yaml` that points at this sandbox; returns the configuration's path. JSON's strings are YAML's too. */
export function writeClientFiles(input: ClientFilesInput): string {
  const lines = ["# Written by the sandbox at each start. Invented tenants; the ports change unless they are named.", "tenants:"];
  for (const tenant of input.tenants) {
    const { addresses = [], protocol = "imap" } = input.worldTenants.find((other) => other.alias === tenant.alias) ?? {};
    const boxes = join(input.dataDir, `boxes-${tenant.alias}.csv`);
    // Without protocols, which would go before the tenant's: changing that one line of the configuration must change what is read.
    replaceFile(boxes, `address\n${addresses.map((address) => `${address}\n`).join("")}`, 0o600);
    lines.push(
      `  ${tenant.alias}:`,
      `    tenantId: ${JSON.stringify(tenant.tenantId)}`,
      `    clientId: ${JSON.stringify(tenant.clientId)}`,
      `    credential: { secretFile: ${JSON.stringify(secretFile(input.dataDir, tenant.alias))} }`,
      "    cloud: custom",
      "    endpoints:",
      `      authority: ${JSON.stringify(input.authority)}`,
      '      scope: "https://outlook.office365.com/.default"',
      `      imap: { host: ${JSON.stringify(input.imap.host)}, port: ${String(input.imap.port)}, tls: true }`,
      `      pop3: { host: ${JSON.stringify(input.pop3.host)}, port: ${String(input.pop3.port)}, tls: true }`,
      `      caFile: ${JSON.stringify(input.caFile)}`,
      `    protocol: ${protocol}`,
      `    mailboxesFile: ${JSON.stringify(boxes)}`,
    );
  }
  lines.push("sync: { pollSeconds: 5, freshWithinSeconds: 600, backfill: true }", "");
  const path = join(input.dataDir, "mailfleet.yaml");
  replaceFile(path, lines.join("\n"), 0o600);
  return path;
}

function secretFile(dataDir: string, alias: string): string {
  return join(dataDir, `secret-${alias}`);
}

/** A reader sees the old file or the new one, never half. */
export function replaceFile(path: string, text: string, mode: number): void {
  const next = `${path}.next`;
  writeFileSync(next, text, { mode });
  renameSync(next, path);
}
