import type { ComingUp } from "./coming-up.ts";
import { formatCounted } from "./numbers.ts";
import { formatDay, type Zone } from "./times.ts";

const dayMs = 86_400_000;

/** What each kind of credential is called. */
export const credentialWords: Record<ComingUp["kind"], string> = {
  secret: "client secret",
  certificate: "certificate",
  federated: "federated credential",
  managedIdentity: "managed identity",
};

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
    what: `${credentialWords[one.kind]} expires ${formatDay(one.expiresAt, zone)}, ${formatCounted(days, "day")}${next}`,
    whom: `${formatCounted(one.mailboxes, "mailbox", "mailboxes")} to stop`,
    ...(command !== undefined && { command }),
  };
}

/** The verb makes secrets and certificates; the others are somebody else's to renew. */
export function rotateCommand({ kind, tenant, next }: ComingUp): string | undefined {
  return next === undefined && (kind === "secret" || kind === "certificate")
    ? `npx mailfleet onboard --tenant ${tenant} --rotate`
    : undefined;
}
