import { padEnd, padStart, shortenAddress, textWidth } from "./text-layout.ts";

export interface Column {
  readonly title: string;
  readonly align?: "right";
  /** Cells are addresses: they shorten in the middle. */
  readonly isAddress?: true;
}

/**
 * A table for a terminal. What does not fit: columns go from the right, addresses get shorter; the first two columns stay.
 * @param width columns of the terminal
 */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const widths = columns.map((column, i) => Math.max(textWidth(column.title), ...rows.map((row) => textWidth(row[i] ?? ""))));
  const total = (count: number): number => widths.slice(0, count).reduce((sum, one) => sum + one, 0) + 2 * (count - 1);
  const elastic = columns.findIndex((column) => column.isAddress);
  const shortest = 24;
  let shown = columns.length;
  const slack = elastic === -1 ? 0 : Math.max(0, (widths[elastic] ?? 0) - shortest);
  while (shown > 2 && total(shown) - slack > width) shown--;
  if (elastic !== -1 && elastic < shown) widths[elastic] = Math.max(12, (widths[elastic] ?? 0) - Math.max(0, total(shown) - width));
  const cell = (text: string, i: number): string => {
    const size = widths[i] ?? 0;
    const fitted = i === elastic ? shortenAddress(text, size) : text;
    return columns[i]?.align === "right" ? padStart(fitted, size) : padEnd(fitted, size);
  };
  const render = (cells: readonly string[]): string => cells.slice(0, shown).map(cell).join("  ").trimEnd();
  return [render(columns.map((column) => column.title)), ...rows.map(render)];
}

/** The same for programs: tabs, a header, whole values. */
export function tabbed(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  return [columns.map((column) => column.title), ...rows].map((row) => row.map((text) => text.replace(/[\t\n\r]/g, " ")).join("\t"));
}
