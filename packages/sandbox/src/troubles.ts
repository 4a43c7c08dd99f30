import type { FetchFault, MailboxTroubles } from "./imap/services.ts";

/** The troubles of the default world, so that a newcomer sees how trouble reads (experience.md 2.2). */
export const plantedTroubles = { refused: "hr@contoso.example", throttled: "ap@fabrikam.example" } as const;

/** From the first login after a start. */
const plantedThrottleMs = 12_000;

/** Which mailboxes misbehave now; changed by tests while the sandbox runs. */
export class Troubles implements MailboxTroubles {
  readonly #refused = new Set<string>();
  readonly #throttledUntil = new Map<string, number>();
  readonly #throttleAtFirstLogin = new Set<string>();
  readonly #fetchFaults = new Map<string, Map<string, FetchFault>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  plant(): void {
    this.#refused.add(plantedTroubles.refused);
    this.#throttleAtFirstLogin.add(plantedTroubles.throttled);
  }

  setRefused(address: string, isRefused: boolean): void {
    if (isRefused) this.#refused.add(address.toLowerCase());
    else this.#refused.delete(address.toLowerCase());
  }

  setThrottled(address: string, untilMs: number): void {
    this.#throttleAtFirstLogin.delete(address.toLowerCase());
    this.#throttledUntil.set(address.toLowerCase(), untilMs);
  }

  /** Undefined: the message is itself again. */
  setFetchFault(address: string, folder: string, uid: number, fault: FetchFault | undefined): void {
    const key = address.toLowerCase();
    const faults = this.#fetchFaults.get(key) ?? new Map<string, FetchFault>();
    if (fault === undefined) faults.delete(placeOf(folder, uid));
    else faults.set(placeOf(folder, uid), fault);
    if (faults.size > 0) this.#fetchFaults.set(key, faults);
    else this.#fetchFaults.delete(key);
  }

  readonly fetchFaults = (address: string): ReturnType<MailboxTroubles["fetchFaults"]> => {
    const faults = this.#fetchFaults.get(address);
    return faults && ((folder, uid) => faults.get(placeOf(folder, uid)));
  };

  readonly isRefused = (address: string): boolean => this.#refused.has(address);

  readonly throttledForMs = (address: string, at: "login" | "command"): number => {
    if (at === "login" && this.#throttleAtFirstLogin.delete(address)) this.#throttledUntil.set(address, this.#now() + plantedThrottleMs);
    const until = this.#throttledUntil.get(address);
    return until === undefined ? 0 : Math.max(0, until - this.#now());
  };
}

function placeOf(folder: string, uid: number): string {
  return `${String(uid)} ${folder.toLowerCase()}`;
}
