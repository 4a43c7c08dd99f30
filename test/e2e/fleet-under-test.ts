import type { SandboxHands } from "./sandbox-hands.ts";

/**
 * A whole fleet over a sandbox of its own, as a test sees it from outside. It comes up as processes of this checkout, or, with
 * TEST_FLEET=compose (`npm run test:compose`), as the containers of docker-compose.yml with two workers.
 */
export interface FleetUnderTest {
  readonly sandbox: SandboxHands;
  readonly redis: {
    readonly url: string;
    /** It answers nothing until `resume`. */
    pause(): Promise<void>;
    resume(): Promise<void>;
  };
  readonly workers: number;
  /** Of the console; empty where the fleet has none. */
  readonly url: string;
  /** Of somebody who is signed in there: a cookie, and the name that the record has. No cookie where nobody has to sign in. */
  readonly visitor: { readonly name: string; readonly cookie?: string };
  /** Of the tenant's first credential. */
  secretOf(alias: string): Promise<string>;
  /** Any verb of the command line, by `--json`. */
  mailfleet(...args: readonly string[]): Promise<VerbRun>;
  /** What each process of a role answers at `metrics.listen`; status 0 where it does not. */
  ask(role: RoleName, path: "/healthz" | "/readyz" | "/metrics"): Promise<readonly RoleAnswer[]>;
  /** A second console of the fleet, which people reach through a proxy that names them. @returns its address */
  startBehindProxy(operators: readonly string[]): Promise<string>;
  /** Logs of all roles. */
  output(): string;
  stop(): Promise<void>;
}

export type RoleName = "producer" | "worker" | "console";

export interface VerbRun {
  readonly code: number | string;
  readonly doc: Record<string, unknown>;
}

export interface RoleAnswer {
  readonly status: number;
  readonly text: string;
}

export interface FleetOptions {
  readonly tenants: readonly { readonly alias: string; readonly mailboxes: number; readonly messages: number }[];
  /** Before the first login. */
  readonly prepare?: (sandbox: SandboxHands) => Promise<void>;
  /** Seconds between two looks at a mailbox. */
  readonly pollSeconds: number;
  /** Seconds, else those of the sandbox's configuration. */
  readonly freshWithinSeconds?: number;
  /** False: processes come up without a console. Containers always have one. */
  readonly hasConsole?: boolean;
}

/** Names and values by which both kinds are told how they work. */
export function settingsOf({ pollSeconds, freshWithinSeconds }: FleetOptions): Readonly<Record<string, string>> {
  return {
    MAILFLEET_SYNC_POLL_SECONDS: String(pollSeconds),
    ...(freshWithinSeconds !== undefined && { MAILFLEET_SYNC_FRESH_WITHIN_SECONDS: String(freshWithinSeconds) }),
  };
}
