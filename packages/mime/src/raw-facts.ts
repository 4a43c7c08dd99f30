import { hash } from "node:crypto";
import { type Fingerprint, fingerprintOf, fingerprintOfValues, fingerprintScanBytes, isPlaceholder, type RawFacts } from "@mailfleet/core";
import type { Decline } from "./decline.ts";
import type { MessageHead, RawField } from "./header-block.ts";

/**
 * What the engine has to know of a message's bytes: found here, where they are read anyway, and not in the thread that fetches.
 * @param head where it could be read: its fields are not looked for again
 */
export function rawFactsOf(bytes: Uint8Array, head: MessageHead | Decline): RawFacts {
  const fields = typeof head !== "string" && head.bodyAt <= fingerprintScanBytes ? head.fields : undefined;
  return {
    sha256: hash("sha256", bytes, "hex"),
    fingerprint: fields === undefined ? fingerprintOf(bytes) : fingerprintOfFields(fields),
    isPlaceholder: fields?.some(isMessageId) !== true && isPlaceholder(bytes),
  };
}

function fingerprintOfFields(fields: readonly RawField[]): Fingerprint {
  const values: (string | undefined)[] = [];
  for (const field of fields) {
    const { place } = field.name;
    if (place !== undefined) values[place] ??= field.value;
  }
  return fingerprintOfValues(values);
}

/** Exchange's placeholders have none. */
function isMessageId({ name }: RawField): boolean {
  return name.isPlain && name.key === "message-id";
}
