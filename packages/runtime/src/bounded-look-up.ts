import { type LookupAddress, lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { limits } from "@mailfleet/core";

/** What the system is asked by: `dns.lookup` in its form for all addresses. */
export type SystemLookUp = (
  hostname: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

export interface LookUpLimits {
  /** A name that is not known by then is not known: code `EAI_AGAIN`. */
  readonly limitMs: number;
  /** Questions to the system at the same time. Each holds one of libuv's threads until the system gives up, however long that is. */
  readonly atOnce: number;
  /** An answer is good for so long: a fleet that begins at once asks once. Exchange's names are short-lived, so not for longer. */
  readonly memoryMs: number;
}

const defaultLimits: LookUpLimits = { limitMs: limits.lookUpMs, atOnce: limits.lookUpsAtOnce, memoryMs: limits.lookUpMemoryMs };

/**
 * Name look-ups that hold nobody up (F23). `getaddrinfo` shares libuv's threads with fsync and cannot be stopped; where no name server
 * answers it blocks its thread for half a minute. So one name is asked about once for all who want it, few names at a time, and nobody
 * waits longer than the limit. The system is asked and not a name server of our own, because hosts files and search domains must count.
 * One for all adapters of a process: the threads are the process's.
 */
export function boundedLookUp(own: LookUpLimits = defaultLimits, system: SystemLookUp = askSystem): LookupFunction {
  const asking = new Map<string, Promise<readonly LookupAddress[]>>();
  const waiting: (() => void)[] = [];
  let active = 0;

  const ask = (hostname: string): Promise<readonly LookupAddress[]> => {
    const known = asking.get(hostname);
    if (known) return known;
    const answer = new Promise<readonly LookupAddress[]>((resolve, reject) => {
      const start = (): void => {
        active++;
        system(hostname, (error, addresses) => {
          active--;
          waiting.shift()?.();
          if (error) reject(error);
          else resolve(addresses);
        });
      };
      if (active < own.atOnce) start();
      else waiting.push(start);
    });
    asking.set(hostname, answer);
    const forget = (): void => void asking.delete(hostname);
    answer.then(() => void setTimeout(forget, own.memoryMs).unref(), forget);
    return answer;
  };

  return (hostname, options, callback) => {
    let isOver = false;
    const end = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      const family = familyOf(options.family);
      const wanted = family === 0 ? [...addresses] : addresses.filter((one) => one.family === family);
      const [first] = wanted;
      if (error || !first) callback(error ?? notFound(hostname, "ENOTFOUND"), options.all ? [] : "", 0);
      else if (options.all) callback(null, wanted);
      else callback(null, first.address, first.family);
    };
    const timer = setTimeout(() => end(notFound(hostname, "EAI_AGAIN"), []), own.limitMs);
    ask(hostname).then(
      (addresses) => end(null, addresses),
      (error: unknown) => end(error as NodeJS.ErrnoException, []),
    );
  };
}

function askSystem(hostname: string, callback: Parameters<SystemLookUp>[1]): void {
  lookup(hostname, { all: true }, callback);
}

function familyOf(family: number | string | undefined): number {
  if (family === 4 || family === "IPv4") return 4;
  return family === 6 || family === "IPv6" ? 6 : 0;
}

function notFound(hostname: string, code: "ENOTFOUND" | "EAI_AGAIN"): NodeJS.ErrnoException {
  return Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, syscall: "getaddrinfo", hostname });
}
