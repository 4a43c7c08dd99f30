import { BlobError } from "./errors.ts";

/** Where a blob lies: its pack below the store's root, offset and length in bytes. */
export interface BlobPlace {
  /** `contoso/1f0c…/202611/7d3e….pack`. */
  readonly pack: string;
  readonly offset: number;
  readonly length: number;
}

// Only an alias, hex and digits ever reach a path, whoever wrote the reference.
const refPattern = /^pack:([a-z0-9][a-z0-9-]{0,62})\/([0-9a-f]{32})\/(\d{6})\/([0-9a-f]{32})@(\d{1,15})\+(\d{1,15})$/;

/** Reads `pack:TENANT/BOX/MONTH/PACK@OFFSET+LENGTH`. @throws BlobError for anything else */
export function readRef(ref: string): BlobPlace {
  const match = refPattern.exec(ref);
  if (!match) throw new BlobError(ref.slice(0, 200), "The reference is not one of mailfleet's blob stores");
  const [, tenant = "", box = "", month = "", pack = "", offset, length] = match;
  return { pack: `${tenant}/${box}/${month}/${pack}.pack`, offset: Number(offset), length: Number(length) };
}
