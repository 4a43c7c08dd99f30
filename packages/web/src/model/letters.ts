const whoseWords = ["all", "consumers", "messages"] as const;

/** Whose dead letters are shown. */
export type Whose = (typeof whoseWords)[number];

export function whoseOf(search: string): Whose {
  const asked = new URLSearchParams(search).get("whose");
  return whoseWords.find((word) => word === asked) ?? "all";
}

/** @param cause the one that is opened */
export function letterLink(whose: Whose, cause?: string): string {
  const params = new URLSearchParams([
    ...(whose === "all" ? [] : [["whose", whose] as [string, string]]),
    ...(cause === undefined ? [] : [["cause", cause] as [string, string]]),
  ]);
  return params.size === 0 ? "/dead-letters" : `/dead-letters?${params}`;
}

/** The first failure of all, epoch ms. */
export function oldestOf(causes: readonly { readonly since?: number }[]): number | undefined {
  const times = causes.map(({ since }) => since).filter((since) => since !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}
