/** What the polite live region says: the sentence when it changed, and not more often than this: who listens to it does something else meanwhile. */
const quietMs = 30_000;

export interface Said {
  readonly sentence: string;
  readonly at: number;
}

/** The sentence to say now; undefined while there is nothing new or it is too early. @param now ms of any clock */
export function toSay(said: Said | undefined, sentence: string, now: number): string | undefined {
  if (said === undefined || said.sentence === sentence) return undefined;
  return now - said.at >= quietMs ? sentence : undefined;
}
