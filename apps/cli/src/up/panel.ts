import {
  causeCommand,
  type CauseGroup,
  describeCause,
  type FolderLedger,
  formatAgo,
  formatCount,
  formatCounted,
  formatDuration,
  formatPercent,
  formatRate,
  formatTotal,
  type FleetView,
  intakeSentence,
  ledgerLine,
  nowLine,
  stripControls,
  type TenantView,
} from "@mailfleet/core";
import type { Marks } from "../terminal.ts";
import { fitLine, type Line, line, lineText, padEnd, padStart, textWidth, wholeLine, wrapSum, wrapText } from "../text-layout.ts";

/** A message that came while somebody looked: named without anything that its sender wrote. */
export interface LatestEvent {
  readonly type: string;
  readonly tenant: string;
  readonly mailbox: string;
  readonly folder: string;
  readonly uid: number | undefined;
  /** Over POP3, in its place. */
  readonly uidl: string | undefined;
  /** Epoch ms. */
  readonly at: number;
}

export interface FirstSyncResult {
  readonly ms: number;
  readonly handedOff: number;
  readonly finished: number;
  readonly mailboxes: number;
}

/** Everything the panel shows. */
export interface PanelState {
  readonly view: FleetView;
  readonly isSyncing: boolean;
  /** Messages a second. */
  readonly rate: number;
  /** `about 6 s`. */
  readonly left?: string;
  /** When the sync that this `up` watched was done; absent when there was nothing to sync. */
  readonly firstSync?: FirstSyncResult;
  readonly latest: readonly LatestEvent[];
  /** What stops everything, such as a Redis that does not answer. */
  readonly trouble?: string;
  readonly isStopping: boolean;
  /** There is something that may be broken to see what happens. */
  readonly isSandbox: boolean;
  /** What a printed command needs to reach this fleet, such as ` --data ./other`; begins with a space, or is empty. */
  readonly options: string;
  /** Epoch ms on this machine, for ages of events. */
  readonly now: number;
}

export interface PanelSize {
  readonly columns: number;
  readonly rows: number;
}

const mostTenants = 8;
const mostCauses = 6;
const mostEvents = 3;

/** The lines under the header: bars while the first sync runs, then the ledger. Pure; none is wider than the terminal, but for commands to paste. */
export function renderPanel(state: PanelState, size: PanelSize, marks: Marks): Line[] {
  const lines = state.isSyncing ? syncing(state, size, marks) : standing(state, size, marks);
  const fitted = lines.map((one) => fitLine(one, size.columns));
  // A panel taller than the terminal could not be redrawn.
  return fitted.length < size.rows ? fitted : [...fitted.slice(0, size.rows - 2), line("  …")];
}

function syncing(state: PanelState, size: PanelSize, marks: Marks): Line[] {
  const { view, left } = state;
  const speed = `${formatRate(state.rate).replace("/s", "")} messages/s`;
  const lines: Line[] = [line("  ", { role: "strong", text: "First sync" }, `   ${left === undefined ? speed : `${left} left, ${speed}`}`)];
  const shown = [...view.tenants].sort((a, b) => share(a.ledger) - share(b.ledger)).slice(0, mostTenants);
  const inOrder = view.tenants.filter((tenant) => shown.includes(tenant));
  lines.push(...tenantRows(inOrder, size.columns, marks));
  const hidden = view.tenants.length - inOrder.length;
  if (hidden > 0) lines.push(line(`    … ${formatCounted(hidden, "more tenant")}, further along`));
  return [...lines, ...troubleLines(state, size, marks), ...wideLines(state, size, marks), ...causeLines(state, size, marks, true)];
}

function standing(state: PanelState, size: PanelSize, marks: Marks): Line[] {
  const { view, firstSync } = state;
  const lines: Line[] = [];
  if (firstSync) {
    const { ms, handedOff, finished, mailboxes } = firstSync;
    const text = `First sync done in ${formatDuration(ms)}: ${formatCounted(handedOff, "message")} handed off from ${formatCount(finished)} of ${formatCounted(mailboxes, "mailbox", "mailboxes")}.`;
    lines.push(
      ...wrapText(text, size.columns, 4).map((part, index) =>
        index === 0 ? line("  ", { role: "done", text: marks.done }, ` ${part}`) : line(`    ${part}`),
      ),
    );
  }
  lines.push(...ledgerLines(view.ledger, size.columns));
  lines.push(...troubleLines(state, size, marks));
  const now = nowLine({
    states: view.states,
    causes: view.causes,
    lanes: view.lanes,
    messagesPerSecond: state.rate,
    ...(view.intake && { intake: view.intake }),
    ...(view.oldestCheck !== undefined && { oldestCheckMs: Math.max(0, view.at - view.oldestCheck) }),
  });
  lines.push(...labelled("Now", now, size.columns));
  lines.push(...wideLines(state, size, marks), ...causeLines(state, size, marks, state.isSandbox));
  for (const [index, event] of state.latest.slice(0, mostEvents).entries()) {
    lines.push(
      line(
        index === 0 ? "  New   " : "        ",
        `${describeEvent(event)}, ${state.now - event.at < 1_000 ? "just now" : formatAgo(event.at, state.now)}`,
      ),
    );
  }
  if (state.isStopping) return lines;
  lines.push(...tryNext(state));
  const how = wrapText("Ctrl-C stops. Nothing is lost, and the next start goes on from here.", size.columns, 2);
  lines.push(...how.map((part) => line(`  ${part}`)));
  return lines;
}

export function describeEvent(event: Omit<LatestEvent, "at">): string {
  const what = event.type === "message.added" ? "" : ` ${event.type}`;
  const which = event.uid !== undefined ? `, UID ${event.uid}` : event.uidl !== undefined ? `, UIDL ${event.uidl}` : "";
  return stripControls(`${event.tenant} ${event.mailbox}, ${event.folder}${which}${what}`);
}

/** At most three, and only verbs that exist. */
function tryNext({ view, isSandbox, options }: PanelState): Line[] {
  const command = view.causes.map(causeCommand).find((one) => one !== undefined);
  const first = view.tenants.find((tenant) => tenant.states.fresh > 0);
  const rows: [string, string][] = [
    ["npx mailfleet tail", "events as they come"],
    ["npx mailfleet status", "the fleet in one screen"],
  ];
  // What a cause wants stands beside it then.
  if (isSandbox) rows.push(["npx mailfleet sandbox fault", "break something and watch"]);
  else if (command !== undefined) rows.push([command, "which step is wrong, and the fix"]);
  else if (first) rows.push(["npx mailfleet mailboxes list", "each mailbox and its state"]);
  const commands = rows.map(([text, what]): [string, string] => [`${text}${options}`, what]);
  const width = Math.max(34, ...commands.map(([text]) => text.length + 3));
  return commands.map(([text, what], index) => wholeLine(index === 0 ? "  Try next    " : "              ", padEnd(text, width), what));
}

function troubleLines(state: PanelState, size: PanelSize, marks: Marks): Line[] {
  if (state.trouble === undefined) return [];
  return wrapText(stripControls(state.trouble), size.columns, 4).map((part, index) =>
    index === 0 ? line("  ", { role: "look", text: marks.look }, ` ${part}`) : line(`    ${part}`),
  );
}

/** `~ Consumers are 4 min behind: 50,212 events in the queue, the limit is 50,000. History waits …`, and lanes that nobody serves. */
function wideLines({ view: { intake, lanes }, options }: PanelState, size: PanelSize, marks: Marks): Line[] {
  const rows = (isYours: boolean, text: string, command: string | undefined): Line[] => {
    const mark = { role: isYours ? "yours" : "moving", text: isYours ? marks.yours : marks.moving } as const;
    const parts = wrapText(stripControls(text), size.columns, 4);
    const lines = parts.map((part, index) => (index === 0 ? line("  ", mark, ` ${part}`) : line(`    ${part}`)));
    return command === undefined ? lines : [...lines, wholeLine("    ", command)];
  };
  const held =
    intake && rows(intake.owner === "you", `${intakeSentence(intake)} ${intake.youCan}`, intake.command && `${intake.command}${options}`);
  return [...(held ?? []), ...lanes.flatMap((one) => rows(true, `${one.happened} ${one.next} ${one.youCan}`, one.command))];
}

/** `~ fabrikam   ap@fabrikam.example is throttled by the server until 14:03:14, then goes on by itself` */
function causeLines({ view, options }: PanelState, size: PanelSize, marks: Marks, hasCommands: boolean): Line[] {
  const names = Math.max(8, ...view.causes.map((cause) => textWidth(tenantName(cause))));
  const indent = names + 7;
  const lines = view.causes.slice(0, mostCauses).flatMap((cause): Line[] => {
    const isYours = cause.owner === "you";
    const mark = { role: isYours ? "yours" : "moving", text: isYours ? marks.yours : marks.moving } as const;
    const { line: text } = describeCause(cause, { now: view.at, zone: "local", seconds: true });
    const parts = wrapText(stripControls(text), size.columns, indent);
    const rows = parts.map((part, index) =>
      index === 0 ? line("  ", mark, ` ${padEnd(tenantName(cause), names)}   ${part}`) : line(" ".repeat(indent), part),
    );
    const command = hasCommands ? causeCommand(cause) : undefined;
    return command === undefined ? rows : [...rows, wholeLine(" ".repeat(indent), `${command}${options}`)];
  });
  const hidden = view.causes.length - mostCauses;
  return hidden > 0 ? [...lines, wholeLine(`    … ${formatCounted(hidden, "more cause")}: npx mailfleet status${options}`)] : lines;
}

function tenantName(cause: CauseGroup): string {
  return cause.tenant ?? formatCounted(cause.tenantCount ?? 0, "tenant");
}

/** One line, or two where one is too narrow. */
function ledgerLines(ledger: FolderLedger, columns: number): Line[] {
  const text = ledgerLine(ledger);
  if (textWidth(text) + 4 <= columns) return [line(`    ${text}`)];
  return wrapSum(text, columns, 4).map((part) => line(`    ${part}`));
}

function labelled(label: string, text: string, columns: number): Line[] {
  return wrapText(text, columns, 8).map((part, index) => line(index === 0 ? `  ${padEnd(label, 6)}${part}` : `        ${part}`));
}

function share({ listed, toDo }: FolderLedger): number {
  return listed === 0 ? 0 : (listed - toDo) / listed;
}

/** Columns go from the right as the terminal gets narrower; the bar goes below 60. */
function tenantRows(tenants: readonly TenantView[], columns: number, marks: Marks): Line[] {
  const rows = tenants.map((tenant) => {
    const { ledger } = tenant;
    const done = ledger.handedOff + ledger.excluded + ledger.quarantined;
    return {
      name: tenant.alias,
      part: ledger.listed === 0 ? 0 : done / ledger.listed,
      // 100 % means done: not while there is more to count.
      percent: tenant.isCounted
        ? formatPercent(done, ledger.listed)
        : ledger.listed === 0
          ? "0 %"
          : formatPercent(Math.min(done, ledger.listed - 1), ledger.listed),
      isDone: tenant.isCounted && done >= ledger.listed,
      done: formatCount(done),
      all: formatTotal(ledger.listed, tenant.isCounted),
      boxes: `${formatCounted(tenant.mailboxes, "mailbox", "mailboxes")}${pop3Mark(tenant)}`,
    };
  });
  const widest = (pick: (row: (typeof rows)[number]) => string): number => Math.max(0, ...rows.map((row) => textWidth(pick(row))));
  const names = Math.min(
    16,
    Math.max(
      8,
      widest((row) => row.name),
    ),
  );
  const [done, all, boxes] = [widest((row) => row.done), widest((row) => row.all), widest((row) => row.boxes)];
  const fixed = 4 + names + 3 + 2 + 5 + 2 + done + 4 + all;
  const hasBar = columns >= 60;
  const hasBoxes = fixed + (hasBar ? 20 : 0) + 3 + boxes <= columns;
  const bar = hasBar ? Math.max(6, Math.min(40, columns - fixed - (hasBoxes ? 3 + boxes : 0), 20 + Math.floor((columns - 80) / 2))) : 0;
  return rows.map((row) => {
    const full = row.isDone ? bar : Math.min(bar - 1, Math.floor(row.part * bar));
    const drawn = hasBar
      ? [
          { role: row.isDone ? ("done" as const) : ("moving" as const), text: marks.full.repeat(Math.max(0, full)) },
          marks.empty.repeat(bar - Math.max(0, full)),
          "  ",
        ]
      : [];
    return line(
      `    ${padEnd(row.name, names)}   `,
      ...drawn,
      `${padStart(row.percent, 5)}   ${padStart(row.done, done)} of ${padStart(row.all, all)}`,
      ...(hasBoxes ? [`   ${row.boxes}`] : []),
    );
  });
}

/** `, POP3`, or how many where others are read over IMAP. */
function pop3Mark({ pop3, mailboxes }: TenantView): string {
  if (pop3 === 0) return "";
  return pop3 === mailboxes ? ", POP3" : `, ${formatCount(pop3)} POP3`;
}

/** For programs that read what people see, and for tests. */
export function panelText(lines: readonly Line[]): string {
  return lines.map(lineText).join("\n");
}
