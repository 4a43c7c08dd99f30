import { type Clock, type HoldReader, isSyncError, type Log } from "@mailfleet/core";

export interface CredentialWatchPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly holds: HoldReader;
  /** As the breakers name it. */
  readonly credentialOf: (tenant: string) => Promise<string | undefined>;
}

/** How soon a new credential is tried. */
const lookMs = 2_000;

/** Has a parked tenant looked at as soon as this process has another credential for it than those that failed. Ends with the signal. */
export async function watchCredentials({ clock, log, holds, credentialOf }: CredentialWatchPorts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const [tenant, { cause }] of await holds.held()) {
        const credential = cause.state === "parked" ? await credentialOf(tenant) : undefined;
        if (credential !== undefined && (await holds.tryCredential(tenant, credential)))
          log.info({ tenant, code: cause.code }, "the tenant has a new credential: it is looked at now");
      }
    } catch (error) {
      // Redis is away; the next look is soon.
      if (!isSyncError(error)) throw error;
    }
    await clock.sleep(lookMs, signal).catch(() => undefined);
  }
}
