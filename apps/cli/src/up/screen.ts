import { type Line, lineText, textWidth } from "../text-layout.ts";
import type { OutStream, Terminal } from "../terminal.ts";

/** Owns the terminal while `up` runs: lines go above the panel, the panel is redrawn in place. */
export interface Screen {
  /** Into the scrollback. */
  print(lines: readonly Line[]): void;
  /** The new panel, at most four times a second; asked again when the terminal's size changes. */
  draw(render: () => readonly Line[]): void;
  /** Leaves the last panel where it is. */
  close(): void;
}

const leastPauseMs = 250;

export function createScreen(terminal: Terminal, stream: OutStream, monotonic: () => number): Screen {
  let shown: readonly Line[] = [];
  let panel: () => readonly Line[] = () => [];
  let drawnAt = -leastPauseMs;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  /** After a resize the terminal has wrapped what is there: rows are counted with its width of now. */
  const erase = (): string => {
    const columns = Math.max(1, stream.columns ?? 80);
    const rows = shown.reduce((sum, one) => sum + Math.max(1, Math.ceil(textWidth(lineText(one)) / columns)), 0);
    return rows === 0 ? "" : `\x1b[${rows}A\r\x1b[J`;
  };
  const paint = (lines: readonly Line[]): string =>
    lines
      .map((one) => `${one.spans.map((span) => (typeof span === "string" ? span : terminal.paint(span.role, span.text))).join("")}\n`)
      .join("");
  const redraw = (above: readonly Line[] = []): void => {
    clearTimeout(timer);
    timer = undefined;
    drawnAt = monotonic();
    // One write, so that no half panel is ever seen.
    const lines = panel();
    terminal.err(erase() + paint(above) + paint(lines));
    shown = lines;
  };
  const onResize = (): void => {
    if (!isClosed) redraw();
  };
  stream.on("resize", onResize);
  return {
    print(lines) {
      redraw(lines);
    },
    draw(render) {
      panel = render;
      if (isClosed || timer !== undefined) return;
      const pause = drawnAt + leastPauseMs - monotonic();
      if (pause <= 0) redraw();
      else timer = setTimeout(redraw, pause);
    },
    close() {
      if (isClosed) return;
      if (timer !== undefined) redraw();
      isClosed = true;
      stream.off("resize", onResize);
    },
  };
}
