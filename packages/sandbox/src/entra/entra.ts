import type { Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import { readOrMakeSecret, writeSecret } from "../client-files.ts";
import type { FaultBook } from "../faults/fault-book.ts";
import { guidOf } from "../world/random.ts";
import { AppCredentials } from "./app-credentials.ts";
import { badCertificatesOf } from "./bad-certificates.ts";
import type { ServerCertificate } from "./certificates.ts";
import { createDirectoryControls, type DirectoryControls, type DirectoryTenant } from "./directory.ts";
import { createManagedIdentityServer } from "./managed-identity-server.ts";
import { TokenIssuer } from "./token-issuer.ts";
import { createTokenServer } from "./token-server.ts";

export interface EntraOptions {
  readonly seed: string;
  readonly dataDir: string;
  readonly aliases: readonly string[];
  readonly certificate: ServerCertificate;
  /** The host name that clients are told. */
  readonly name: string;
  readonly faults: Pick<FaultBook, "strike" | "holds">;
  /** Default 3,599. */
  readonly tokenLifetimeSeconds: number | undefined;
  /** Default 86,400. */
  readonly managedIdentityLifetimeSeconds: number | undefined;
}

/** The identity side: directory, token endpoint, metadata service. Nothing listens yet. */
export interface Entra {
  readonly directory: readonly DirectoryTenant[];
  readonly issuer: TokenIssuer;
  readonly tokenServer: HttpsServer;
  readonly identityServer: HttpServer;
  readonly controls: DirectoryControls;
  readonly counters: { readonly tokenRequests: ReadonlyMap<string, number>; readonly credentialUses: ReadonlyMap<string, number> };
}

export async function createEntra(options: EntraOptions): Promise<Entra> {
  const { seed, dataDir, faults } = options;
  const directory = options.aliases.map((alias): DirectoryTenant => {
    const credentials = new AppCredentials();
    credentials.addSecret(readOrMakeSecret(dataDir, alias));
    const idOf = (what: string): string => guidOf(`${seed}/${alias}/${what}`);
    return { alias, tenantId: idOf("tenant"), clientId: idOf("client"), objectId: idOf("object"), credentials };
  });
  const clockAheadMs = (alias: string | undefined): number =>
    faults.holds("clock-skew", alias === undefined ? {} : { tenant: alias })?.number("ms") ?? 0;
  const now = (alias: string | undefined): number => Date.now() + clockAheadMs(alias);
  const issuer = await TokenIssuer.create((tenantId) => clockAheadMs(directory.find((tenant) => tenant.tenantId === tenantId)?.alias));

  const tokenRequests = new Map<string, number>();
  const credentialUses = new Map<string, number>();
  const count = (alias: string): void => addOne(tokenRequests, alias);
  const countCredential = (alias: string, credential: string): void => addOne(credentialUses, `${alias} ${credential}`);
  const shared = { issuer, tenants: directory, faults, now };
  return {
    directory,
    issuer,
    tokenServer: createTokenServer({
      ...shared,
      key: options.certificate.key,
      cert: options.certificate.cert,
      name: options.name,
      SNICallback: badCertificatesOf("token-certificate", faults, dataDir),
      lifetimeSeconds: options.tokenLifetimeSeconds ?? 3_599,
      count,
      countCredential,
    }),
    identityServer: createManagedIdentityServer({
      ...shared,
      lifetimeSeconds: options.managedIdentityLifetimeSeconds ?? 86_400,
      count: (alias) => {
        count(alias);
        countCredential(alias, "managed-identity");
      },
    }),
    controls: createDirectoryControls(directory, (alias, secret) => writeSecret(dataDir, alias, secret)),
    counters: { tokenRequests, credentialUses },
  };
}

function addOne(counter: Map<string, number>, key: string): void {
  counter.set(key, (counter.get(key) ?? 0) + 1);
}
