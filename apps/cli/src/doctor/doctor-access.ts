import { readFile } from "node:fs/promises";
import { type Config, secretsOf } from "@mailfleet/config";
import {
  type AccessToken,
  type ClaimsLook,
  type Clock,
  createScrubber,
  isSyncError,
  type MailSource,
  type TokenLook,
} from "@mailfleet/core";
import { probeToken, type TokenClaims } from "@mailfleet/entra";
import { systemChance } from "@mailfleet/runtime";
import { entraTenant, openAccess } from "../tenant-access.ts";

/** How the doctor gets at tokens and mail: past the fleet's cache, so that a good token of an hour ago hides nothing. */
export interface DoctorAccess {
  readonly mail: MailSource;
  probeToken(alias: string): Promise<TokenLook & { readonly token?: AccessToken }>;
  close(): Promise<void>;
}

export async function openDoctorAccess(config: Config, clock: Clock): Promise<DoctorAccess> {
  const { mail, close } = await openAccess(config);
  const scrub = createScrubber(secretsOf(config));
  return {
    mail,
    close,
    async probeToken(alias) {
      const startedMs = clock.monotonic();
      const took = (): number => clock.monotonic() - startedMs;
      try {
        const tenant = config.tenants[alias];
        if (tenant === undefined) return { ok: false, tookMs: 0, code: "CONFIG_INVALID", facts: { layer: "engine" } };
        const { caFile } = tenant.endpoints;
        const ca = caFile === undefined ? undefined : await readFile(caFile, "utf8");
        const probe = await probeToken(entraTenant(tenant, ca), { clock, chance: systemChance, scrub });
        const claims = probe.claims === undefined ? {} : { claims: claimsLook(probe.claims) };
        if (!probe.ok) return { ok: false, tookMs: took(), code: probe.code, facts: probe.facts, ...claims };
        return { ok: true, tookMs: took(), expiresAt: probe.token.expiresAt, token: probe.token, ...claims };
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
