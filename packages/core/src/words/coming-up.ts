import { limits } from "../limits.ts";
import { stripControls } from "../scrub.ts";
import type { CredentialNote } from "../token-ports.ts";
import { formatCounted } from "./numbers.ts";
import { formatDay, type Zone } from "./times.ts";

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

const kindWords: Record<ComingUp["kind"], string> = {
  secret: "client secret",
  certificate: "certificate",
  federated: "federated credential",
  managedIdentity: "managed identity",
};

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

/** `client secret expires Sun 29 Nov, 6 days`, whom it hits, and what makes the next one. */
export function comingUpWords(
  one: ComingUp,
  now: number,
  zone: Zone,
): { readonly what: string; readonly whom: string; readonly command?: string } {
  const days = Math.floor((one.expiresAt - now) / dayMs);
  const next = one.next === undefined ? "" : one.next === "untested" ? "; the next one is not tried yet" : "; the next one is refused";
  const command = rotateCommand(one);
  return {
    what: `${kindWords[one.kind]} expires ${formatDay(one.expiresAt, zone)}, ${formatCounted(days, "day")}${next}`,
    whom: `${formatCounted(one.mailboxes, "mailbox", "mailboxes")} to stop`,
    ...(command !== undefined && { command }),
  };
}

/** For programs; times in ISO 8601 UTC. */
export function comingUpJson(one: ComingUp): object {
  const { tenant, kind, expiresAt, mailboxes, next } = one;
  const command = rotateCommand(one);
  const what = `${kind === "secret" ? "secret" : kindWords[kind]} expires`;
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

/** The verb makes secrets and certificates; the others are somebody else's to renew. */
function rotateCommand({ kind, tenant, next }: ComingUp): string | undefined {
  return next === undefined && (kind === "secret" || kind === "certificate")
    ? `npx mailfleet onboard --tenant ${tenant} --rotate`
    : undefined;
}
