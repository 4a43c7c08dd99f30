import { randomBytes } from "node:crypto";

/**
 * A name that no other test file or run uses: for key prefixes, fleets and folders. Letters, digits and dashes, as `redisKeys` wants it.
 * @param label what it is for, so that a leftover can be traced
 */
export function uniqueName(label = "test"): string {
  return `${label}-${randomBytes(6).toString("hex")}`;
}
