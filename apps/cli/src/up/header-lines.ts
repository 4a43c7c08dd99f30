import { padEnd, textWidth, wrapText } from "../text-layout.ts";

export interface HeaderFacts {
  /** Such as `mailfleet 0.1.0`. */
  readonly program: string;
  /** What runs. */
  readonly what: string;
  /** Its address; absent where none was wanted or it could not start. */
  readonly console?: string;
  readonly queue: string;
  readonly data: string;
  readonly log: string;
  /** What is unlike it was asked for, and that it goes on. */
  readonly notes: readonly string[];
}

const leftWidth = 42;

/**
 * The first lines of `up` below its name, which the caller paints. Two things stand side by side where all of them fit so. A path or an address is never
 * cut: it may be pasted.
 * @returns what stands beside the name, and the lines below
 */
export function headerLines({ program, what, console, queue, data, log, notes }: HeaderFacts, columns: number) {
  const indent = textWidth(program) + 5;
  const [beside = "", ...more] = wrapText(what, columns, indent);
  const rows: (readonly [string, string])[][] = [
    console === undefined
      ? [["Queue", queue]]
      : [
          ["Console", console],
          ["Queue", queue],
        ],
    [
      ["Data", data],
      ["Log", log],
    ],
  ];
  const item = ([label, text]: readonly [string, string], width: number): string => `${padEnd(label, width)}${text}`;
  const wide = rows.map(([left, right]) =>
    left ? `  ${right ? `${padEnd(item(left, 10), leftWidth)} ${item(right, 8)}` : item(left, 10)}` : "",
  );
  const isWide = wide.every((text) => textWidth(text) <= columns);
  const facts = isWide ? wide : rows.flat().map((one) => `  ${item(one, 10)}`);
  const below = [
    ...more.map((text) => " ".repeat(indent) + text),
    ...facts,
    ...notes.flatMap((text) => wrapText(text, columns, 2)).map((text) => `  ${text}`),
  ];
  return { beside, below };
}
