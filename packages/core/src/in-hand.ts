import { eachUid, formatUidSet, parseUidSet, type UidSet } from "./uid-set.ts";

/**
 * What a worker holds while it may kill it: written before, taken away by the commit. One that is found by the next session was left by
 * a death (T27). `together` is a batch; the other two are one message alone that was in hand at a death before.
 */
export interface InHand {
  readonly folder: string;
  readonly generation: number;
  readonly uids: UidSet;
  readonly step: "together" | "fetching" | "parsing";
}

/** A message that was in hand at a death. */
export interface Suspect {
  readonly folder: string;
  readonly generation: number;
  readonly uid: number;
  /** Deaths, as far as they speak against this message. */
  readonly deaths: number;
}

export interface HandNote {
  /** Undefined: nothing is in hand. */
  readonly inHand?: InHand;
  readonly suspects: readonly Suspect[];
}

/**
 * A worker is killed by others far more often than by a message. So a death with a batch in hand makes each of its messages a suspect
 * and no more, however often; after that only a death while that one message was parsed counts in full. While it was fetched, which
 * takes longer and holds a few pieces only, a death counts a quarter.
 */
const weights = { together: 0, fetching: 0.25, parsing: 1 } as const;

/** The suspects, after a death with this in hand. */
export function suspectsAfter(inHand: InHand, before: readonly Suspect[]): readonly Suspect[] {
  const { folder, generation } = inHand;
  const known = new Map(before.map((one) => [nameOf(one), one]));
  for (const uid of eachUid(inHand.uids)) {
    const name = nameOf({ folder, generation, uid });
    const deaths = known.get(name)?.deaths;
    known.set(name, { folder, generation, uid, deaths: deaths === undefined ? 1 : deaths + weights[inHand.step] });
  }
  return [...known.values()];
}

export function findSuspect(suspects: readonly Suspect[], folder: string, generation: number, uid: number): Suspect | undefined {
  return suspects.find((one) => one.uid === uid && one.folder === folder && one.generation === generation);
}

function nameOf(one: { readonly folder: string; readonly generation: number; readonly uid: number }): string {
  return `${one.generation} ${one.uid} ${one.folder}`;
}

export function packInHand({ folder, generation, uids, step }: InHand): string {
  return JSON.stringify([folder, generation, formatUidSet(uids), step]);
}

export function packSuspects(suspects: readonly Suspect[]): string {
  return JSON.stringify(suspects.map(({ folder, generation, uid, deaths }) => [folder, generation, uid, deaths]));
}

/** What cannot be read is not there: at worst a death is not counted. */
export function unpackHandNote(inHand: string | undefined, suspects: string | undefined): HandNote {
  const hand = readJson(inHand);
  const list = readJson(suspects);
  const found = Array.isArray(hand) ? readInHand(hand as unknown[]) : undefined;
  return {
    ...(found && { inHand: found }),
    suspects: Array.isArray(list) ? list.flatMap((one: unknown) => (Array.isArray(one) ? (readSuspect(one as unknown[]) ?? []) : [])) : [],
  };
}

function readInHand([folder, generation, uids, step]: readonly unknown[]): InHand | undefined {
  if (typeof folder !== "string" || typeof generation !== "number" || typeof uids !== "string") return undefined;
  if (step !== "together" && step !== "fetching" && step !== "parsing") return undefined;
  const set = readSet(uids);
  return set && { folder, generation, uids: set, step };
}

function readSet(text: string): UidSet | undefined {
  try {
    return parseUidSet(text);
  } catch {
    return undefined;
  }
}

function readSuspect([folder, generation, uid, deaths]: readonly unknown[]): Suspect | undefined {
  if (typeof folder !== "string" || typeof generation !== "number" || typeof uid !== "number" || typeof deaths !== "number")
    return undefined;
  return { folder, generation, uid, deaths };
}

function readJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
