const units = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;

/**
 * A moment as people write it: `36h`, `7d` (that long ago), `2026-11-01`, `2026-11-01T09:00Z`. A date alone is its beginning in UTC.
 * @returns epoch ms, or undefined for anything else
 */
export function readWhen(text: string, now: number): number | undefined {
  const age = /^(\d{1,6})([mhdw])$/.exec(text.trim());
  if (age) return now - Number(age[1]) * units[age[2] as keyof typeof units];
  if (!/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(text.trim())) return undefined;
  const at = Date.parse(text.trim().replace(" ", "T"));
  return Number.isNaN(at) ? undefined : at;
}
