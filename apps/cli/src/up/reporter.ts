import path from "node:path";
import { formatCount, formatCounted, formatDuration, stripControls } from "@mailfleet/core";
import { systemClock } from "@mailfleet/runtime";
import type { MailboxRecord } from "@mailfleet/store";
import type { Cli } from "../cli.ts";
import { programVersion } from "../program-version.ts";
import { type Line, line, wrapText } from "../text-layout.ts";
import { headerLines } from "./header-lines.ts";
import { type PanelState, renderPanel } from "./panel.ts";
import { createPlainProgress, doneText, type PassSummary, plainLine } from "./plain-progress.ts";
import { createScreen } from "./screen.ts";
import type { RunningFleet } from "./start-fleet.ts";
import { stopText, type WorkLeft } from "./stop-text.ts";

export interface StartFacts {
  readonly fleet: RunningFleet;
  /** As they were before this run. */
  readonly records: readonly MailboxRecord[];
  readonly workers: number;
}

export interface StopFacts {
  readonly ms: number;
  /** `worker stopped` lines of the workers' logs. */
  readonly ended: readonly Readonly<Record<string, unknown>>[];
  /** Undefined where nobody looked. */
  readonly left: WorkLeft | undefined;
  /** What `stopping` was told. */
  readonly busy: number;
}

/** Says on stderr what `up` does, on stdout what came of it. */
export interface Reporter {
  started(facts: StartFacts): void;
  show(state: PanelState): void;
  /** Stays in the scrollback. */
  warn(text: string): void;
  stopping(busy: number): void;
  stopped(facts: StopFacts): void;
  /** @returns the exit code of a stop by force */
  killed(busy?: number): 130;
  answer(summary: PassSummary, isFirst: boolean): void;
  close(): void;
}

/** Our own limit for a drain, as it is told. */
const drainSeconds = 10;

export function createReporter(cli: Cli, isOnce: boolean): Reporter {
  const { terminal } = cli;
  const { marks } = terminal;
  const mode = terminal.progress;
  const screen = mode === "live" ? createScreen(terminal, cli.stderr, () => systemClock.monotonic()) : undefined;
  const plain = createPlainProgress(systemClock.monotonic(), isOnce);
  let lastState: PanelState | undefined;
  let saidDone = false;

  const say = (topic: string, text: string): void => terminal.err(`${plainLine(systemClock.now(), topic, text)}\n`);
  const print = (lines: readonly Line[]): void => {
    if (screen) screen.print(lines);
  };
  const width = (): number => terminal.errSize().columns;
  /** A line with a mark, on terminals; a plain line with its topic elsewhere. Warnings are said also where progress is off. */
  const tell = (topic: string, role: "done" | "look" | "strong", text: string, isAlways = false): void => {
    if (screen) print(wrapText(text, width(), 4).map((part, index) => (index === 0 ? marked(role, part) : line(`    ${part}`))));
    else if (mode === "plain" || isAlways) say(topic, text);
  };
  /** Under the panel, once nothing is redrawn any more. */
  const below = (role: "done" | "look", text: string): string =>
    `${terminal.paint(role, marks[role])} ${wrapText(text, width(), 2).join("\n  ")}\n`;
  const marked = (role: "done" | "look" | "strong", text: string): Line =>
    role === "strong" ? line(text) : line("  ", { role, text: role === "done" ? marks.done : marks.look }, ` ${text}`);

  return {
    started({ fleet, records }) {
      const { sandbox, redis, config } = fleet;
      const tenants = Object.keys(config.tenants).length;
      const mailboxes = Object.values(config.tenants).reduce((sum, tenant) => sum + tenant.mailboxes.length, 0);
      const known = records.reduce((sum, record) => sum + record.ledger.listed, 0);
      const goesOn = `Goes on where it was: ${formatCounted(records.length, "mailbox", "mailboxes")}, ${formatCounted(known, "message")} known.`;
      const isSecond = known > 0;
      const port = redis.isPrivate && redis.target.port !== 6379 ? `Port 6379 is taken; Redis listens on ${redis.target.port}.` : undefined;
      const { listen } = config.console;
      const consolePort = fleet.console === undefined ? listen.port : Number(new URL(fleet.console).port);
      const moved =
        consolePort === listen.port || listen.port === 0
          ? undefined
          : `Port ${listen.port} is taken; the console listens on ${consolePort}.`;
      const adopted = redis.adopted ? "Redis still ran from a start that was killed; it was taken over." : undefined;
      if (!screen) {
        if (mode !== "plain") return;
        say(
          "up",
          `${fleet.console === undefined ? "" : `console ${fleet.console}, `}queue messages on ${redis.url}, ${formatCounted(tenants, "tenant")}, ${formatCounted(mailboxes, "mailbox", "mailboxes")}`,
        );
        for (const text of [port, moved, adopted, isSecond ? goesOn : undefined]) if (text !== undefined) say("up", text);
        return;
      }
      const shown = (file: string): string => {
        const relative = path.relative(cli.cwd, file);
        return relative.startsWith("..") ? file : `./${relative}`;
      };
      const what = sandbox
        ? `sandbox: ${tenantWords(sandbox.tenants)}, nothing leaves this machine`
        : `${formatCounted(tenants, "tenant")}, ${formatCounted(mailboxes, "mailbox", "mailboxes")}`;
      const program = `mailfleet ${programVersion()}`;
      const { beside, below: rest } = headerLines(
        {
          program,
          what,
          ...(fleet.console !== undefined && { console: fleet.console }),
          queue: `messages, on ${redis.url}`,
          data: shown(fleet.dataDir),
          log: shown(fleet.log.path),
          notes: [port, moved, adopted, isSecond ? goesOn : undefined].filter((text) => text !== undefined),
        },
        width(),
      );
      print([line("  ", { role: "strong", text: program }, `   ${beside}`), ...rest.map((text) => line(text)), line("")]);
    },
    show(state) {
      lastState = state;
      if (screen) return screen.draw(() => renderPanel(state, terminal.errSize(), marks));
      if (mode !== "plain") return;
      for (const text of plain.update(state, systemClock.monotonic())) terminal.err(`${text}\n`);
      if (state.firstSync && !saidDone && !isOnce) {
        saidDone = true;
        const { ms, handedOff, finished, mailboxes } = state.firstSync;
        say(
          "done",
          `first sync: ${formatCounted(handedOff, "message")} handed off from ${formatCount(finished)} of ${formatCounted(mailboxes, "mailbox", "mailboxes")}, ${formatDuration(ms)}`,
        );
      }
    },
    warn: (text) => tell("warn", "look", stripControls(text), true),
    stopping(busy) {
      const state = lastState && { ...lastState, isStopping: true };
      if (screen && state) screen.draw(() => renderPanel(state, terminal.errSize(), marks));
      const work =
        busy === 0
          ? "no mailbox is in the middle of a batch."
          : `${formatCounted(busy, "mailbox finishes its", "mailboxes finish their")} batch (${drainSeconds} s at most).`;
      const text = `Stopping. No new work is taken; ${work} Ctrl-C again stops at once.`;
      screen?.close();
      if (screen) terminal.err(`${wrapText(text, width(), 0).join("\n")}\n`);
      else if (mode === "plain") say("stop", text);
    },
    stopped({ ms, ended, left, busy }) {
      const sum = (key: string): number => ended.reduce((all, fields) => all + (Number(fields[key]) || 0), 0);
      const cut = sum("cut");
      // A session may end between the last look and the workers' own count: what was said to finish and was not handed back did.
      const finished = Math.max(sum("finished"), ended.length > 0 ? busy - cut : 0);
      const text = stopText({ ms, finished, cut, left });
      if (mode === "none") return;
      if (screen) terminal.err(below("done", text));
      else say("stop", text);
    },
    killed(busy = 0) {
      screen?.close();
      const text = `Stopped at once. ${busy === 0 ? "No mailbox was in the middle of a batch" : `${formatCounted(busy, "mailbox repeats its", "mailboxes repeat their")} last batch at the next start`}; nothing is lost, nothing is handed off twice.`;
      if (mode !== "none") terminal.err(screen ? below("look", text) : `${plainLine(systemClock.now(), "stop", text)}\n`);
      return 130;
    },
    answer(summary, isFirst) {
      screen?.close();
      const text = plainLine(systemClock.now(), "done", doneText(summary, isFirst));
      if (!cli.isJson) return terminal.out(`${text}\n`);
      const { mailboxes, messages, quarantined, parked, seconds, added, waiting, unaccounted } = summary;
      cli.json({ mailboxes, messages, quarantined, parked, seconds, added, waiting, unaccounted });
      if (mode === "plain") terminal.err(`${text}\n`);
    },
    close: () => screen?.close(),
  };
}

const numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

function tenantWords(count: number): string {
  return `${numbers[count] ?? formatCount(count)} invented ${count === 1 ? "tenant" : "tenants"}`;
}
