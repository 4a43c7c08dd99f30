import type { Config, Environment } from "@mailfleet/config";
import { type AccessToken, type ClaimsLook, type Clock, isSyncError, type MailSource, type TokenLook } from "@mailfleet/core";
import { probeToken, type TokenClaims } from "@mailfleet/entra";
import { systemChance } from "@mailfleet/runtime";
import { openAccess } from "../tenant-access.ts";

/** How the doctor gets at tokens and mail: past the fleet's cache, so that a good token of an hour ago hides nothing. */
export interface DoctorAccess {
  readonly mail: MailSource;
  probeToken(alias: string): Promise<TokenLook & { readonly token?: AccessToken }>;
  close(): Promise<void>;
}

export async function openDoctorAccess(config: Config, env: Environment, clock: Clock): Promise<DoctorAccess> {
  const { tenants, mail, scrub, close } = await openAccess(config, env);
  return {
    mail,
    close,
    async probeToken(alias) {
      const startedMs = clock.monotonic();
      const took = (): number => clock.monotonic() - startedMs;
      try {
        const tenant = tenants.tenant(alias);
        if (tenant === undefined) return { ok: false, tookMs: 0, code: "CONFIG_INVALID", facts: { layer: "engine" } };
        const deps = { clock, chance: systemChance, scrub };
        const first = await probeToken(tenant, deps);
        const { nextCredential } = tenant;
        const second = nextCredential && (await probeToken({ ...tenant, credential: nextCredential }, deps));
        // As the fleet does: where the current credential is refused, the next one is used.
        const isNextUsed = !first.ok && second?.ok === true;
        const probe = isNextUsed ? second : first;
        const claims = probe.claims === undefined ? {} : { claims: claimsLook(probe.claims) };
        if (!probe.ok) return { ok: false, tookMs: took(), code: probe.code, facts: probe.facts, ...claims };
        const { expiresAt } = (isNextUsed ? nextCredential : undefined) ?? tenant.credential;
        const unused = isNextUsed ? first : second;
        const other = unused && {
          role: isNextUsed ? ("current" as const) : ("next" as const),
          ...(!unused.ok && { refusedAs: unused.code }),
        };
        return {
          ok: true,
          at: clock.now(),
          tookMs: took(),
          expiresAt: probe.token.expiresAt,
          token: probe.token,
          ...claims,
          ...(expiresAt !== undefined && { credentialExpiresAt: expiresAt }),
          ...(other && { other }),
        };
      } catch (error) {
        if (isSyncError(error)) {
          const { code, message, facts } = error.failure;
          return { ok: false, tookMs: took(), code, facts: { ...facts, text: facts.text ?? scrub(message) } };
        }
        return { ok: false, tookMs: took(), code: "CONFIG_INVALID", facts: { layer: "engine", text: scrub(String(error)) } };
      }
    },
  };
}

function claimsLook({ scp, ...claims }: TokenClaims): ClaimsLook {
  return { ...claims, ...(scp !== undefined && { delegated: scp }) };
}
