import { randomBytes } from "node:crypto";
import type { AppCredentials, FederationTrust } from "./app-credentials.ts";

/** One tenant as the directory knows it, with the one app registration it has. */
export interface DirectoryTenant {
  readonly alias: string;
  readonly tenantId: string;
  readonly clientId: string;
  /** Object id of the service principal, the token's `oid`. */
  readonly objectId: string;
  readonly credentials: AppCredentials;
}

export interface SecretOptions {
  /** Default: one that looks like Entra's. */
  readonly secret?: string;
  /** Refused with 7000215 before, as while a new secret spreads at Microsoft. Default at once. */
  readonly startsAt?: Date;
  /** Refused with 7000222 from then on. Default never. */
  readonly endsAt?: Date;
  /** Writes it into the tenant's secret file, which the written configuration names. Default false. */
  readonly inFile?: boolean;
}

/**
 * What an administrator does to the app registration while a sandbox runs. Aliases are the tenants'; each throws RangeError for an unknown one.
 * A credential's name (`secret-1`, `certificate-2`, `federation-3`) is what the counters call it. Of all these, only the secret in the file
 * outlives a restart.
 */
export interface DirectoryControls {
  /** The newest secret. */
  readonly secretOf: (alias: string) => string;
  /** All old secrets fail from now on; the secret's file is replaced too. */
  readonly rotateSecret: (alias: string, secret: string) => void;
  /** A further secret beside those that are there. */
  readonly addSecret: (alias: string, options?: SecretOptions) => { readonly id: string; readonly secret: string };
  /** Moves a secret's end; without a name, that of all the tenant's secrets. @throws RangeError for an unknown name */
  readonly endSecret: (alias: string, endsAt: Date, id?: string) => void;
  /** Registers a public certificate (PEM, RSA). @throws TypeError if it is none */
  readonly addCertificate: (alias: string, pem: string) => string;
  /** @throws TypeError for keys that are none */
  readonly trustFederation: (alias: string, trust: FederationTrust) => string;
  /** @throws RangeError for an unknown name */
  readonly removeCredential: (alias: string, id: string) => void;
}

/** @param writeFile puts a secret into the tenant's file */
export function createDirectoryControls(
  tenants: readonly DirectoryTenant[],
  writeFile: (alias: string, secret: string) => void,
): DirectoryControls {
  const credentialsOf = (alias: string): AppCredentials => {
    const tenant = tenants.find((other) => other.alias === alias);
    if (!tenant) throw new RangeError(`the sandbox has no tenant ${alias}`);
    return tenant.credentials;
  };
  const must = (done: boolean, alias: string, id: string): void => {
    if (!done) throw new RangeError(`${alias} has no credential ${id}`);
  };
  return {
    secretOf: (alias) => credentialsOf(alias).secret,
    rotateSecret: (alias, secret) => {
      credentialsOf(alias).replaceSecrets(secret);
      writeFile(alias, secret);
    },
    addSecret: (alias, { secret = makeSecret(), startsAt, endsAt, inFile = false } = {}) => {
      const id = credentialsOf(alias).addSecret(secret, startsAt?.getTime(), endsAt?.getTime());
      if (inFile) writeFile(alias, secret);
      return { id, secret };
    },
    endSecret: (alias, endsAt, id) => {
      const credentials = credentialsOf(alias);
      for (const one of id === undefined ? credentials.secretIds : [id]) must(credentials.endSecret(one, endsAt.getTime()), alias, one);
    },
    addCertificate: (alias, pem) => credentialsOf(alias).addCertificate(pem),
    trustFederation: (alias, trust) => credentialsOf(alias).trust(trust),
    removeCredential: (alias, id) => must(credentialsOf(alias).remove(id), alias, id),
  };
}

/** The same length and alphabet as Entra's. */
export function makeSecret(): string {
  // Marked, so that the tests find it wherever it should not be.
  return `${randomBytes(2).toString("base64url")}~sandbox~${randomBytes(21).toString("base64url")}`;
}

/** By id, or by the domain that the invented tenant has. */
export function findTenant(idOrDomain: string, tenants: readonly DirectoryTenant[]): DirectoryTenant | undefined {
  const wanted = idOrDomain.toLowerCase();
  return tenants.find((tenant) => tenant.tenantId === wanted || `${tenant.alias}.example` === wanted);
}
