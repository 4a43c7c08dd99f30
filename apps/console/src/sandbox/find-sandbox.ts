import type { Config } from "@mailfleet/config";
import { openSandboxControl, type SandboxControl } from "@mailfleet/sandbox/control";

const loopback = /^(localhost|127\.0\.0\.1|\[?::1\]?)$/;

/**
 * The sandbox behind this fleet, to be opened when it is needed. Undefined where any tenant's servers are elsewhere: whatever the flags
 * say, nothing is broken for a real one.
 * @param dir of the sandbox's files, absolute; undefined where the fleet is not the sandbox
 */
export function findSandbox(config: Config, dir: string | undefined): (() => SandboxControl | undefined) | undefined {
  if (dir === undefined || !isAllLocal(config)) return undefined;
  return () => openSandboxControl(dir);
}

function isAllLocal({ tenants }: Config): boolean {
  return Object.values(tenants).every(({ endpoints: { authority, imap, pop3 } }) =>
    [new URL(authority).hostname, imap?.host, pop3?.host].every((host) => host === undefined || loopback.test(host)),
  );
}
