import type { DownstreamMarks, Lane, Protocol, PushChoice, RedisTarget as CoreRedisTarget, Secret } from "@mailfleet/core";

/** Everything mailfleet is told, checked, complete and frozen. Paths are absolute, addresses canonical, secrets wrapped. */
export interface Config {
  /** The fleet's name: prefix of every Redis key (`redisKeys(name)` of core). */
  readonly name: string;
  /** Where the private Redis, the generated token key and the log live. */
  readonly dataDir: string;
  /** Absent: a private redis-server is started under `dataDir`. */
  readonly redis?: RedisTarget;
  /** Parts that the tenants are spread over (`fleetShards` of core). */
  readonly shards: number;
  /** By alias, in the order of the file; empty only when no file was given. Has no prototype. */
  readonly tenants: Readonly<Record<string, TenantConfig>>;
  readonly sync: SyncConfig;
  /** What may wait for consumers before intake slows and stops (G4). */
  readonly downstream: DownstreamMarks;
  readonly blobs: BlobsConfig;
  readonly worker: WorkerConfig;
  readonly tokenCache: TokenCacheConfig;
  /** How logs name mailboxes and folders. */
  readonly log: { readonly mailboxes: "plain" | "hashed" };
  /** Where a role shows its metrics and health; absent: nowhere. */
  readonly metrics?: { readonly listen: ListenAddress };
  /** Where workers send their traces; absent: nowhere. */
  readonly traces?: TracesConfig;
  readonly console: ConsoleConfig;
}

export interface TracesConfig {
  /** The whole URL. */
  readonly otlpEndpoint: string;
  /** Of the polls, 0 to 1. */
  readonly sampleRatio: number;
  /** Value of the Authorization header. */
  readonly authorization?: Secret;
}

export interface BlobsConfig {
  /** The store's folder; with a bucket, where large messages wait for their upload. */
  readonly dir: string;
  readonly s3?: S3Config;
}

/** A bucket, and how it is reached. */
export interface S3Config {
  readonly bucket: string;
  readonly region: string;
  /** URL of another server than Amazon's. */
  readonly endpoint?: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  readonly forcePathStyle: boolean;
  /** Absent: what AWS's SDK finds in the environment, in shared files or at the machine. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: Secret };
  readonly serverSideEncryption?: "AES256" | "aws:kms";
  readonly kmsKeyId?: string;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Where Redis is; with a `path`, host and port mean nothing. */
export interface RedisTarget extends CoreRedisTarget {
  /** Certificate authorities for this Redis only, PEM. */
  readonly caFile?: string;
  /** Further servers; shards are dealt to all of them in turn. */
  readonly others?: readonly CoreRedisTarget[];
}

export interface TenantConfig {
  readonly alias: string;
  /** Directory id, lower case. */
  readonly tenantId: string;
  /** Application id, lower case. */
  readonly clientId: string;
  readonly credential: Credential;
  /** Tested, then used, before the current one dies. */
  readonly nextCredential?: Credential;
  readonly cloud: Cloud;
  readonly endpoints: Endpoints;
  /** For mailboxes that do not say. */
  readonly protocol: Protocol;
  readonly mailboxes: readonly MailboxConfig[];
}

export type Cloud = "global" | "usgov" | "dod" | "china" | "custom";

export type Credential = (
  | {
      readonly kind: "secret";
      readonly secret: Secret;
      /** Where it came from, to say it in messages and to read it again. */
      readonly source: { readonly file: string } | { readonly env: string };
    }
  | { readonly kind: "certificate"; readonly keyFile: string; readonly certFile: string; readonly passphrase?: Secret }
  | { readonly kind: "federated"; readonly tokenFile: string }
  | { readonly kind: "managedIdentity"; readonly clientId?: string }
) & {
  /** Epoch ms, when the file says when it dies. */
  readonly expiresAt?: number;
};

/** Where a tenant's token and mail are. Filled from the cloud's table, or as written for `custom`. */
export interface Endpoints {
  /** Base URL of the login service, without trailing slash and without tenant id. */
  readonly authority: string;
  readonly scope: string;
  /** Absent only for `custom` without IMAP; then no mailbox of the tenant uses it. */
  readonly imap?: MailEndpoint;
  /** Absent only for `custom` without POP3; then no mailbox of the tenant uses it. */
  readonly pop3?: MailEndpoint;
  /** Certificate authorities for this tenant's hosts only, PEM. */
  readonly caFile?: string;
}

export interface MailEndpoint {
  readonly host: string;
  readonly port: number;
  /** False only for loopback hosts (T10). */
  readonly tls: boolean;
}

export interface MailboxConfig {
  /** Canonical (`canonicalAddress` of core). */
  readonly address: string;
  readonly protocol: Protocol;
}

export interface SyncConfig {
  readonly pollSeconds: number;
  /** A mailbox not checked for this long is behind. */
  readonly freshWithinSeconds: number;
  readonly backfill: boolean;
  /** Patterns of folder paths; what they mean is `core`'s business. */
  readonly folders: { readonly include: readonly string[]; readonly exclude: readonly string[] };
  /** Mailboxes at once in one worker, fresh lane. */
  readonly concurrency: number;
  /** Mailboxes at once in one worker, backfill lane. */
  readonly backfillConcurrency: number;
  /** Mailboxes of one tenant at once, over all workers. */
  readonly perTenantInFlight: number;
  /** Mailboxes at once whose tenants share a mail server, over all workers. */
  readonly perHostInFlight: number;
  /** Logins of one tenant in a second at most; absent: by its cloud. */
  readonly loginsPerSecond?: number;
  /** Mailboxes that are told of new mail by IDLE, beside the poll. */
  readonly push: PushChoice;
  /** IDLE connections of one worker. */
  readonly pushConnections: number;
  /** One slice of backfill ends at the first of these. */
  readonly slice: { readonly messages: number; readonly bytes: number; readonly seconds: number };
  /** When flags and removals are looked for. */
  readonly changes: { readonly recentSeconds: number; readonly wholeSeconds: number; readonly recentMessages: number };
  /** `quit`: sessions that fetched mail end with QUIT, which on Exchange marks that mail as read; else the connection is dropped. */
  readonly pop3: { readonly quit: boolean };
}

export interface WorkerConfig {
  /** What the process works on. */
  readonly lane: Lane | "both";
  readonly parseThreads: number;
  /** Cap of the process; what is left of it after the process itself bounds the mail in flight. */
  readonly memoryMb: number;
}

export interface TokenCacheConfig {
  /** Each as `tokenKeyLines` of core has them; the first one seals, all open. Absent: the app makes one and keeps it under `dataDir`, mode 0600. */
  readonly keys?: readonly Secret[];
  /** Where they came from, to read them again. Absent for keys of the environment. */
  readonly keyFile?: string;
}

export interface ConsoleConfig {
  readonly listen: ListenAddress;
  readonly readOnly: boolean;
  /** Doctor and proofs may be run in it, with the tenants' credentials. */
  readonly checks: boolean;
  readonly auth?: ConsoleAuth;
  /** Further host names under which browsers reach it, lower case. */
  readonly hosts: readonly string[];
  /** TLS of its own: absolute paths of PEM files. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Addresses and networks (CIDR) of proxies in front that speak TLS. */
  readonly trustedProxies: readonly string[];
}

/** How people prove who they are. */
export type ConsoleAuth =
  /** Operators know one password, viewers perhaps another; each says a name. */
  | { readonly kind: "password"; readonly password: Secret; readonly viewerPassword?: Secret }
  | OidcAuth
  /** A proxy in front signs people in and names them in a header; only its addresses are believed. */
  | { readonly kind: "proxy"; readonly header: string; readonly from: readonly string[]; readonly operators: readonly string[] };

/** People sign in at an OpenID Connect service. */
export interface OidcAuth {
  readonly kind: "oidc";
  readonly issuer: string;
  readonly clientId: string;
  /** Absent: a public client, which PKCE alone protects. */
  readonly clientSecret?: Secret;
  /** Ends with {@link oidcCallbackPath}. */
  readonly redirectUri: string;
  /** With `openid`. */
  readonly scopes: readonly string[];
  /** Claim of the ID token with a text or a list of them; `a.b` looks inside of `a`. */
  readonly rolesClaim: string;
  /** Values of the claim. Who has none of either list is refused. */
  readonly operators: readonly string[];
  readonly viewers: readonly string[];
}

/** One thing wrong with the configuration. Holds no secret's value. */
export interface ConfigProblem {
  /** Line, `env` for an environment variable, or undefined when it has no place of its own. */
  readonly line: number | "env" | undefined;
  /** Such as `tenants.contoso.tenantId`, or the variable's name. */
  readonly path: string;
  /** What it is: `is "contoso"`. */
  readonly found: string;
  /** What should be there: `expected a directory id`, or `did you mean pollSeconds?`. */
  readonly expected?: string;
}

/** Something worth a look that does not stop the start; same shape. */
export type ConfigWarning = ConfigProblem;

export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly ConfigWarning[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };
