export interface LookFolder {
  readonly path: string;
  /** As in a listed folder. */
  readonly wireName?: string;
}

/** Folders that are known, to be asked for their numbers alone. */
export interface LookRequest {
  /** At least one. */
  readonly folders: readonly LookFolder[];
  /** For HIGHESTMODSEQ as well: the server had CONDSTORE when the folders were compared. */
  readonly hasModSeq: boolean;
}

/**
 * What a session that found nothing new leaves with the mailbox, so that the next polls can ask for the numbers of its folders alone:
 * together with the checkpoints it tells which folders there are and what the server calls them.
 */
export interface Listing {
  /** Epoch ms, in whole seconds: when the server listed its folders. */
  readonly at: number;
  /** Digest of the rules that chose among them. */
  readonly rules: string;
  /** Path -> name on the wire, where that is not what modified UTF-7 makes of the path. */
  readonly wireNames: Readonly<Record<string, string>>;
  /** Paths that have a checkpoint and are not synced. */
  readonly aside: readonly string[];
  /** The server's answers to a look could not be used: since `at`, and for `limits.lookAgainMs`, sessions do without. */
  readonly isBarred?: true;
}

const version = 1;

/** As it is kept with the mailbox: 20 bytes, and whatever is unusual. */
export function packListing({ at, rules, wireNames, aside, isBarred }: Listing): string {
  const usual = [version, Math.floor(at / 1_000), rules];
  if (isBarred) return JSON.stringify([...usual, 1]);
  const isUsual = aside.length === 0 && Object.keys(wireNames).length === 0;
  return JSON.stringify(isUsual ? usual : [...usual, 0, wireNames, aside]);
}

/** Undefined for what cannot be read: then the next poll lists the folders. */
export function unpackListing(text: string | undefined): Listing | undefined {
  const row = text === undefined ? undefined : readRow(text);
  if (row?.[0] !== version) return undefined;
  const [, seconds, rules, barred, wireNames = {}, aside = []] = row;
  if (typeof seconds !== "number" || !Number.isSafeInteger(seconds) || typeof rules !== "string") return undefined;
  if (!isTexts(wireNames) || !isTextList(aside)) return undefined;
  return { at: seconds * 1_000, rules, wireNames, aside, ...(barred === 1 && { isBarred: true as const }) };
}

/** How a folder is asked for. */
export function lookFolder(path: string, { wireNames }: Pick<Listing, "wireNames">): LookFolder {
  const wireName = Object.hasOwn(wireNames, path) ? wireNames[path] : undefined;
  return { path, ...(wireName !== undefined && { wireName }) };
}

function readRow(text: string): readonly unknown[] | undefined {
  try {
    const row: unknown = JSON.parse(text);
    return Array.isArray(row) ? row : undefined;
  } catch {
    return undefined;
  }
}

function isTextList(given: unknown): given is readonly string[] {
  return Array.isArray(given) && given.every((one) => typeof one === "string");
}

function isTexts(given: unknown): given is Record<string, string> {
  return (
    typeof given === "object" && given !== null && !Array.isArray(given) && Object.values(given).every((one) => typeof one === "string")
  );
}
