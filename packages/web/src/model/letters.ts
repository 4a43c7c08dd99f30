import type { DeadLettersPage, FleetSummary } from "@mailfleet/core/console";

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

/** Whether news tell of other letters than a page shows: of another number, or as many with another newest one. */
export function areOtherLetters(
  shown: Pick<DeadLettersPage, "letters" | "newestLetterAt">,
  told: Partial<Pick<FleetSummary, "deadLetters" | "newestLetterAt">>,
): boolean {
  return (told.deadLetters ?? shown.letters) !== shown.letters || (told.newestLetterAt ?? shown.newestLetterAt) !== shown.newestLetterAt;
}

/** The first failure of all, epoch ms. */
export function oldestOf(causes: readonly { readonly since?: number }[]): number | undefined {
  const times = causes.map(({ since }) => since).filter((since) => since !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}
