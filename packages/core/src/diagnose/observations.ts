import type { Cause } from "../cause.ts";
import type { FailureCode } from "../failure-code.ts";
import type { ErrorFacts } from "../failure.ts";
import type { Protocol } from "../ids.ts";
import type { UnservedLane } from "../lanes.ts";
import type { BucketLook } from "./bucket.ts";

/** What is configured for the mailbox that is looked at. Holds no secret. */
export interface Subject {
  /** Alias. */
  readonly tenant: string;
  readonly tenantId: string;
  readonly clientId: string;
  /** Undefined where the tenant has no mailbox yet. */
  readonly mailbox?: string;
  readonly protocol: Protocol;
  /** Where the other mail protocol is served is known as well, so that a refusal can be compared with it. */
  readonly isOtherServed: boolean;
  readonly credential: "secret" | "certificate" | "federated" | "managedIdentity";
  /** Base URL of the login service. */
  readonly authority: string;
  readonly scope: string;
  /** What a command needs besides to reach the same fleet, such as ` --config fleet.yaml`; begins with a space. */
  readonly options?: string;
  /** A login service that is not Microsoft's: its tokens need not say all that Microsoft's say. */
  readonly isCustom: boolean;
}

export interface ConfigurationLook {
  readonly tenants: number;
  readonly mailboxes: number;
  /** Sentences that do not stop a start. */
  readonly warnings: readonly string[];
  /** Secrets that others on this machine can read: which, and the command that ends it. */
  readonly exposed: readonly { readonly what: string; readonly command?: string }[];
}

export interface MachineLook {
  /** Such as `24.21.0`. */
  readonly node: string;
  /** Where the blobs are to lie; absent where the system does not say. */
  readonly disk?: { readonly free: number; readonly total: number };
  /** Absent where blobs lie in a folder. */
  readonly bucket?: BucketLook;
  /** This machine's clock against the Date of the login host, ms, positive where it is ahead; absent where the host gave none. */
  readonly clockAheadMs?: number;
}

export type RedisLook =
  | {
      readonly kind: "ready";
      readonly version: string;
      /** How it is set up, so that it may not be used; sentences. */
      readonly problems: readonly string[];
      /** Commands that mend `problems`. */
      readonly fixes: readonly string[];
      /** What is wrong at the moment; sentences. */
      readonly troubles: readonly string[];
      /** One write, acknowledged. */
      readonly writeMs: number;
      readonly fleet: FleetLook;
    }
  /** None is configured, and mailfleet's own is not started. */
  | { readonly kind: "not running" }
  | { readonly kind: "unreachable"; readonly where: string; readonly code: string };

/** What the fleet's Redis knows about the mailbox and those around it. */
export interface FleetLook {
  /** Absent where the fleet never saw it. Epoch ms by Redis' clock. */
  readonly mailbox?: { readonly checkedAt?: number; readonly nextAt?: number; readonly cause?: Cause; readonly parkedBy?: string };
  /** True while any process of the fleet reports. */
  readonly isRunning: boolean;
  /** Lanes that no worker serves though mailboxes wait in them; absent where there are none. */
  readonly unserved?: readonly UnservedLane[];
  /** Mailboxes of the tenant, and those of them that wait or are parked. */
  readonly tenantMailboxes: number;
  readonly tenantStopped: number;
  /** Those of `tenantStopped` that may go on at once when their cause is mended; absent where there are none. */
  readonly tenantStops?: StoppedLook;
  /** The latest check of any mailbox of the tenant. */
  readonly tenantCheckedAt?: number;
}

/** Mailboxes of a tenant that wait or are parked for something else than a pause that the server asked for. */
export interface StoppedLook {
  readonly count: number;
  readonly parked: number;
  /** When the last of them goes on by itself, epoch ms. */
  readonly until: number;
  /** Set where others keep such a pause: the cause that most of these have. */
  readonly onlyCause?: FailureCode;
}

export interface HostLook {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Such as `TLSv1.3`; absent without TLS or when it was not reached. */
  readonly tlsVersion?: string;
  readonly certificate?: CertificateLook;
  readonly failure?: { readonly at: "dns" | "tcp" | "tls"; readonly code: string };
}

/** As the server showed it, not believed. Times are epoch ms. */
export interface CertificateLook {
  readonly names: readonly string[];
  /** Who issued it: organization, else common name. */
  readonly issuer: string;
  readonly validFrom: number;
  readonly validTo: number;
}

export interface NetworkLook {
  readonly login: HostLook;
  readonly mail: HostLook;
}

/** What a token says about itself; for diagnosis, never for trust. */
export interface ClaimsLook {
  readonly tid?: string;
  readonly clientId?: string;
  readonly audience?: readonly string[];
  readonly roles?: readonly string[];
  /** Object id of the service principal (Enterprise application), that which Exchange must know. */
  readonly oid?: string;
  /** Epoch ms. */
  readonly expiresAt?: number;
  readonly issuedAt?: number;
  readonly idType?: string;
  /** Delegated permissions: a token for a person, not for an app. */
  readonly delegated?: string;
}

export type TokenLook =
  /** `at`: when it came, epoch ms by this machine's clock. */
  | {
      readonly ok: true;
      readonly at: number;
      readonly tookMs: number;
      readonly expiresAt: number;
      readonly claims?: ClaimsLook;
      /** When the credential dies, epoch ms, where a certificate or the configuration says it. */
      readonly credentialExpiresAt?: number;
      /** The tenant's other credential: how it did, or that it is the one in use because the first was refused. */
      readonly other?: { readonly role: "current" | "next"; readonly refusedAs?: FailureCode };
    }
  | { readonly ok: false; readonly tookMs: number; readonly code: FailureCode; readonly facts: ErrorFacts; readonly claims?: ClaimsLook };

/** How far a login came. */
export type MailStage = "login" | "folders" | "INBOX" | "message";

export type MailboxLook =
  | {
      readonly kind: "opened";
      readonly folders: number;
      /** In the folders that were counted. */
      readonly messages: number;
      /** Less than all where the mailbox has very many. */
      readonly countedFolders: number;
      readonly tookMs: number;
    }
  | { readonly kind: "refused"; readonly stage: MailStage; readonly code: FailureCode; readonly facts: ErrorFacts }
  /** The fleet leaves it alone until a time, so the doctor does too. */
  | { readonly kind: "held"; readonly cause: Cause }
  /** The tenant has no mailbox yet. */
  | { readonly kind: "not tried" };

/** One login, and the first command after it. */
export interface LoginTry {
  readonly protocol: Protocol;
  /** Undefined where it opened. */
  readonly refusal?: { readonly code: FailureCode; readonly text?: string };
}

export interface ControlTry extends LoginTry {
  readonly tenant: string;
  readonly address: string;
}

/** The comparisons that tell one cause of a refusal from another (exchange-online 2.3). */
export interface ControlsLook {
  /** Other mailboxes of the tenant. */
  readonly neighbours: readonly ControlTry[];
  /** One mailbox each of other tenants. */
  readonly others: readonly ControlTry[];
}

/** The mailbox that must be refused. */
export interface ScopeLook {
  readonly address: string;
  /** True where nobody named one: an address that does not exist proves less. */
  readonly isInvented: boolean;
  readonly outcome: "refused" | "opened" | "unclear";
}

/** Everything the doctor saw, as plain data. What it did not look at is absent. */
export interface Observations {
  readonly subject: Subject;
  readonly configuration: ConfigurationLook;
  readonly machine?: MachineLook;
  readonly redis?: RedisLook;
  readonly network?: NetworkLook;
  readonly token?: TokenLook;
  readonly mailbox?: MailboxLook;
  /** The same mailbox over the other mail protocol. */
  readonly other?: LoginTry;
  readonly controls?: ControlsLook;
  readonly scope?: ScopeLook;
}
