/** A terminal's colours by what they are for, as two usual themes have them. */
const themes = {
  light: { ground: "#ffffff", text: "#1f2328", 31: "#a3120f", 32: "#1b6b55", 33: "#8a5a00", 34: "#1f5fbf" },
  dark: { ground: "#10151b", text: "#e7ecf2", 31: "#ff8a80", 32: "#7cc9b0", 33: "#f2b84b", 34: "#85b4ff" },
} as const;

export type Theme = keyof typeof themes;

interface Run {
  readonly text: string;
  readonly color?: 31 | 32 | 33 | 34;
  readonly isBold: boolean;
}

const cell = { width: 8.4, height: 19 };
const margin = 14;

/** Draws what was written to a terminal, as text that can be selected and read aloud. No more of its language than colours and bold is known. */
export function terminalSvg(bytes: string, columns: number, theme: Theme, title: string): string {
  const { ground, text } = themes[theme];
  const lines = bytes.replace(/\n+$/, "").split("\n").map(runsOf);
  const width = Math.ceil(columns * cell.width + 2 * margin);
  const height = Math.ceil((lines.length + 2) * cell.height + margin);
  const drawn = lines.flatMap((runs, row) => lineOf(runs, row, theme));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">
<title id="title">${escaped(title)}</title>
<rect width="${width}" height="${height}" rx="8" fill="${ground}" stroke="#7a8796" stroke-opacity="0.5"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="${text}">
<text x="${margin}" y="${round(margin + cell.height * 0.7)}" textLength="${round(11 * cell.width)}">$ npm start</text>
${drawn.join("\n")}
</g>
</svg>
`;
}

/** What stands together, at its column: so columns hold in whatever font there is, and no renderer has to keep spaces. */
function lineOf(runs: readonly Run[], row: number, theme: Theme): string[] {
  const y = round(margin + (row + 2) * cell.height - cell.height * 0.3);
  let column = 0;
  return runs.flatMap(({ text, color, isBold }) => {
    const from = column;
    column += text.length;
    const fill = color === undefined ? "" : ` fill="${themes[theme][color]}"`;
    const weight = isBold ? ' font-weight="600"' : "";
    return [...text.matchAll(/\S+(?: \S+)*/g)].map(({ index, 0: words }) => {
      const x = round(margin + (from + index) * cell.width);
      return `<text x="${x}" y="${y}" textLength="${round(words.length * cell.width)}"${fill}${weight}>${escaped(words)}</text>`;
    });
  });
}

/** @throws TypeError for what a panel that is drawn once does not write */
function runsOf(line: string): readonly Run[] {
  const runs: Run[] = [];
  let color: Run["color"];
  let isBold = false;
  for (const part of line.split(/(\u001b\[\d+m)/)) {
    const code = /^\u001b\[(\d+)m$/.exec(part)?.[1];
    if (code === undefined) {
      if (part.includes("\u001b") || part.includes("\r")) throw new TypeError("the terminal was told more than colours");
      if (part !== "") runs.push({ text: part, isBold, ...(color !== undefined && { color }) });
    } else if (code === "1") isBold = true;
    else if (code === "22") isBold = false;
    else if (code === "39") color = undefined;
    else if (code === "31" || code === "32" || code === "33" || code === "34") color = Number(code) as NonNullable<Run["color"]>;
    else throw new TypeError(`the picture has no colour ${code}`);
  }
  return runs;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
