import { hash } from "node:crypto";
import { fingerprintOf, isPlaceholder, type RawFacts } from "@mailfleet/core";

/** What the engine has to know of a message's bytes: found here, where they are read anyway, and not in the thread that fetches. */
export function rawFactsOf(bytes: Uint8Array): RawFacts {
  return { sha256: hash("sha256", bytes, "hex"), fingerprint: fingerprintOf(bytes), isPlaceholder: isPlaceholder(bytes) };
}
