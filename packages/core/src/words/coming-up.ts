import { limits } from "../limits.ts";
import { stripControls } from "../strip-controls.ts";
import type { CredentialNote } from "../token-ports.ts";
import { credentialWords, rotateCommand } from "./coming-up-words.ts";

/** A tenant's credentials, as far as their end is of interest. */
export interface TenantCredentials {
  readonly alias: string;
  readonly credential: CredentialEnd;
  readonly nextCredential?: CredentialEnd;
}

export interface CredentialEnd {
  readonly kind: "secret" | "certificate" | "federated" | "managedIdentity";
  /** Epoch ms, where it is known when it dies. */
  readonly expiresAt?: number;
}

/** A credential whose end is near and that nothing is ready to follow. */
export interface ComingUp {
  readonly tenant: string;
  readonly kind: CredentialEnd["kind"];
  readonly expiresAt: number;
  /** Those that stop when it ends. */
  readonly mailboxes: number;
  /** There is a next one, and it was not tried yet, or was refused. */
  readonly next?: "untested" | "refused";
}

const dayMs = 86_400_000;

/** Ends within the first of `limits.credentialEndDays`, soonest first; not those whose next credential was tried and works. */
export function comingUp(
  tenants: readonly TenantCredentials[],
  notes: readonly CredentialNote[],
  mailboxesOf: (tenant: string) => number,
  now: number,
): readonly ComingUp[] {
  const horizonMs = Math.max(...limits.credentialEndDays) * dayMs;
  return tenants
    .flatMap(({ alias, credential, nextCredential }): ComingUp[] => {
      const { kind, expiresAt } = credential;
      if (expiresAt === undefined || expiresAt <= now || expiresAt - now > horizonMs) return [];
      const note = notes.find(({ tenant, role }) => tenant === alias && role === "next");
      if (nextCredential && note?.ok) return [];
      const next = nextCredential && ({ next: note ? "refused" : "untested" } as const);
      return [{ tenant: alias, kind, expiresAt, mailboxes: mailboxesOf(alias), ...next }];
    })
    .sort((a, b) => a.expiresAt - b.expiresAt);
}

/** For programs; times in ISO 8601 UTC. */
export function comingUpJson(one: ComingUp): object {
  const { tenant, kind, expiresAt, mailboxes, next } = one;
  const command = rotateCommand(one);
  const what = `${kind === "secret" ? "secret" : credentialWords[kind]} expires`;
  return {
    what,
    tenant,
    at: new Date(expiresAt).toISOString(),
    mailboxes,
    ...(next && { next }),
    do: command === undefined ? [] : [command],
  };
}

/** How each credential fared when it was last tried. */
export function credentialsJson(notes: readonly CredentialNote[]): readonly object[] {
  return notes
    .map(({ tenant, role, at, ok, code, text }) => ({
      tenant,
      role,
      tested: new Date(at).toISOString(),
      ok,
      ...(code !== undefined && { code }),
      ...(text !== undefined && { text: stripControls(text) }),
    }))
    .sort((a, b) => (a.tenant === b.tenant ? a.role.localeCompare(b.role) : a.tenant < b.tenant ? -1 : 1));
}
