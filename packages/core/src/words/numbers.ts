/**
 * Numbers as mailfleet says them, the same in every locale.
 * Not for data that a program reads.
 */

/** `12,480`; `?` for what is no number, because unknown is never shown as a value. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return "?";
  const digits = String(Math.trunc(Math.abs(value)));
  return (value <= -1 ? "-" : "") + digits.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `12,480+` while a total is still being counted. */
export function formatTotal(value: number, isCounted: boolean): string {
  return formatCount(value) + (isCounted ? "" : "+");
}

/** `1 mailbox`, `38 mailboxes`, `0 messages`. */
export function formatCounted(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

const words = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];

/** At the beginning of a sentence: `One cause`, `Two causes`, `14 causes`. */
export function formatCountedWord(value: number, one: string, many = `${one}s`): string {
  return `${words[value] ?? formatCount(value)} ${value === 1 ? one : many}`;
}

/**
 * `60 %`, rounded down, so that 100 % means done; nothing to do is done.
 * @param isCounted false while `all` is still being counted: then nothing is done, though the numbers may be equal
 */
export function formatPercent(done: number, all: number, isCounted = true): string {
  if (!Number.isFinite(done) || !Number.isFinite(all)) return "?";
  if (isCounted && (all <= 0 || done >= all)) return "100 %";
  if (all <= 0) return "0 %";
  return `${Math.min(99, Math.floor((Math.max(0, done) / all) * 100))} %`;
}

/** `912/s`, `18.2/s`, `0.4/s`; `<0.1/s` for something that is not nothing. */
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return "?";
  if (perSecond <= 0) return "0/s";
  if (perSecond < 0.05) return "<0.1/s";
  return `${perSecond < 99.95 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond))}/s`;
}

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Decimal: `23.4 kB`, `412 MB`, `2 GB`. */
export function formatBytes(value: number): string {
  if (!Number.isFinite(value)) return "?";
  let amount = Math.max(0, value);
  let unit = 0;
  // 999.95 kB would be said as 1000 kB.
  while (amount >= (unit === 0 ? 1000 : 999.5) && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  const text = unit === 0 || amount >= 99.95 ? String(Math.round(amount)) : amount.toFixed(1).replace(/\.0$/, "");
  return `${text} ${units[unit]}`;
}
