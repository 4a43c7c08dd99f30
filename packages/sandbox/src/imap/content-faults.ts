import type { FaultTarget } from "../faults/fault-spec.ts";
import type { ImapServices } from "./services.ts";

/**
 * What a message does to a FETCH of its content (field guide 3.5): `placeholder`, the forged message of an item that cannot be converted;
 * `no-data`, OK without a line for it; `partial-no`, left out, and the answer is NO. Lists, flags and sizes show the message as ever.
 */
export type FetchFault = "placeholder" | "no-data" | "partial-no" | PaddedFault;

/** The message, and base64 behind it up to so many bytes; the size that is announced may be another. */
export interface PaddedFault {
  readonly paddedTo: number;
  readonly announced?: number;
}

const names = ["padded", "placeholder", "no-data", "partial-no"] as const;

/** Undefined where no message has such a fault, else what each one does. Only a FETCH of content counts as a strike. */
export function fetchFaultsOf(
  { faults }: Pick<ImapServices, "faults">,
  place: FaultTarget,
  isContent: boolean,
): ((uid: number) => FetchFault | undefined) | undefined {
  const ordered = names.filter((name) => faults.isOrdered(name));
  if (ordered.length === 0) return undefined;
  return (uid) => {
    for (const name of ordered) {
      const fault = isContent ? faults.strike(name, { ...place, uid }) : faults.holds(name, { ...place, uid });
      if (!fault) continue;
      if (name !== "padded") return name;
      const announced = fault.number("announced");
      return { paddedTo: fault.number("bytes"), ...(announced > 0 && { announced }) };
    }
    return undefined;
  };
}
