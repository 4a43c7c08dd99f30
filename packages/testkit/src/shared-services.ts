import { inject } from "vitest";
import { attachDovecot, type DovecotAddress, type RunningDovecot } from "./dovecot-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The Redis that the run started once; every test file keeps to names of its own. */
    redisUrl: string;
    /** The Dovecot that the run started once; every test uses mailboxes of its own. */
    dovecot: DovecotAddress;
  }
}

/** URL of the run's Redis. Use {@link uniqueName} for the fleet's name, so that test files do not meet. */
export function sharedRedisUrl(): string {
  const url = inject("redisUrl");
  if (!url) throw new Error("this test needs Redis: name the file *.redis.test.ts, *.crash.test.ts or *.e2e.test.ts");
  return url;
}

/** The run's Dovecot. Use {@link uniqueName} in the domain of its mailboxes. */
export async function sharedDovecot(): Promise<RunningDovecot> {
  const address = inject("dovecot");
  if (!address) throw new Error("this test needs Dovecot: name the file *.imap.test.ts or *.e2e.test.ts");
  return attachDovecot(address);
}
