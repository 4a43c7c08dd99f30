import { stripControls } from "@mailfleet/core";
import { systemClock } from "@mailfleet/runtime";
import type { Cli } from "./cli.ts";
import { fitLine, line } from "./text-layout.ts";
import { plainLine } from "./up/plain-progress.ts";
import { createScreen } from "./up/screen.ts";

/** One line of progress on stderr: redrawn in place, or in plain mode a line every ten seconds. */
export interface ProgressLine {
  update(text: string): void;
  /** Takes the line away; what follows is the answer. */
  close(): void;
}

const plainEveryMs = 10_000;

export function createProgressLine(cli: Cli, topic: string): ProgressLine {
  const { terminal } = cli;
  if (terminal.progress === "none") return { update: () => undefined, close: () => undefined };
  if (terminal.progress === "live") {
    const screen = createScreen(terminal, cli.stderr, () => systemClock.monotonic());
    return {
      update: (text) =>
        screen.draw(() => [
          fitLine(line({ role: "moving", text: terminal.marks.moving }, ` ${stripControls(text)}`), terminal.errSize().columns),
        ]),
      close() {
        screen.draw(() => []);
        screen.print([]);
        screen.close();
      },
    };
  }
  // Nothing is said of what is over within the first ten seconds.
  let saidAt = systemClock.monotonic();
  return {
    update(text) {
      if (systemClock.monotonic() - saidAt < plainEveryMs) return;
      saidAt = systemClock.monotonic();
      terminal.err(`${plainLine(systemClock.now(), topic, stripControls(text))}\n`);
    },
    close: () => undefined,
  };
}
