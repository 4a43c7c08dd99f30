import {
  causeCommand,
  type CauseGroup,
  type ComingUp,
  comingUpJson,
  comingUpWords,
  type CredentialNote,
  credentialsJson,
  describeCause,
  type DownstreamLoad,
  type DownstreamMarks,
  fleetSentence,
  type FleetView,
  formatAge,
  formatClock,
  formatCount,
  formatCounted,
  formatIn,
  formatRate,
  formatUtc,
  intakeSentence,
  ledgerLine,
  pushSentence,
  resumeCommand,
  stripControls,
  sumLedgers,
  type TenantView,
  unaccounted,
} from "@mailfleet/core";
import type { ProcessRecord } from "@mailfleet/store";
import { type Column, renderTable, tabbed } from "./table.ts";
import type { Marks, Role } from "./terminal.ts";
import { padEnd, textWidth, wrapSum, wrapText } from "./text-layout.ts";

/** What `status` looks at. */
export interface StatusFacts {
  readonly view: FleetView;
  /** Messages a second by tenant. */
  readonly rates: ReadonlyMap<string, number>;
  readonly processes: readonly ProcessRecord[];
  readonly load: DownstreamLoad;
  readonly marks: DownstreamMarks;
  readonly comingUp: readonly ComingUp[];
  readonly credentials: readonly CredentialNote[];
  /** What printed commands need besides to reach the same fleet, such as ` --config fleet.yaml`. */
  readonly options?: string;
  /** The same for `up`. */
  readonly startOptions?: string;
  /** Epoch ms of this machine, when it is printed. */
  readonly now: number;
}

const mostTenants = 12;

const tenantColumns: readonly Column[] = [
  { title: "Tenant" },
  { title: "Mailboxes", align: "right" },
  { title: "Fresh", align: "right" },
  { title: "Behind", align: "right" },
  { title: "Waiting", align: "right" },
  { title: "Parked", align: "right" },
  { title: "Oldest check" },
  { title: "Messages/s", align: "right" },
  { title: "To do", align: "right" },
];

export interface StatusStyle {
  readonly width: number;
  readonly marks: Marks;
  readonly paint: (role: Role, text: string) => string;
  /** Tables with tabs and whole values in UTC, for a pipe. */
  readonly isPiped: boolean;
}

/** The fleet in one screen: the sentence, what needs somebody, what recovers, the tenants, the ledger. Pure. */
export function renderStatus(facts: StatusFacts, style: StatusStyle): string {
  const { view } = facts;
  const zone = style.isPiped ? "utc" : "local";
  if (view.mailboxes === 0)
    return `${fleetSentence(view)} npx mailfleet mailboxes import boxes.csv --tenant TENANT --dry-run${facts.options ?? ""}\n`;
  // A row for the rest is for eyes: a program would take it for a tenant.
  const most = style.isPiped ? view.tenants.length : mostTenants;
  const rows = [...view.tenants].sort((a, b) => troubleOf(b) - troubleOf(a)).slice(0, most);
  const inOrder = view.tenants.filter((tenant) => rows.includes(tenant));
  const rest = view.tenants.filter((tenant) => !rows.includes(tenant));
  const cells = inOrder.map((tenant) => tenantCells(tenant.alias, [tenant], facts, style.isPiped));
  if (rest.length > 0) cells.push(tenantCells(`… ${formatCount(rest.length)} more`, rest, facts, style.isPiped));
  const lines = [
    ...(style.isPiped ? [fleetSentence(view)] : wrapText(fleetSentence(view), style.width, 0).map((part) => style.paint("strong", part))),
    ...workerLines(facts, style),
    ...intakeLines(view, style, facts.options),
    ...laneLines(view, style),
    ...section("Needs you", causeRows(view, "you", zone, facts.options), "yours", style),
    ...mendedLines(view, facts.options, style),
    ...section(
      "Coming up",
      facts.comingUp.map((one) => ({ tenant: one.tenant, ...withOptions(comingUpWords(one, facts.now, zone), facts.options) })),
      "look",
      style,
    ),
    ...section("Recovers by itself", causeRows(view, "self", zone, facts.options), "moving", style),
    ...(style.isPiped ? tabbed(tenantColumns, cells) : renderTable(tenantColumns, cells, style.width)),
    ...pushLines(facts),
    ...pop3Lines(view),
    ...ledgerLines(view, style),
    `As of ${formatClock(view.at, { now: facts.now, zone, seconds: true })}, ${formatAge(Math.max(0, facts.now - view.at))} old.`,
  ];
  return `${lines.join("\n")}\n`;
}

/** Whole in a pipe and where it fits; else under itself, so that the terminal does not break it somewhere. */
function ledgerLines(view: FleetView, style: StatusStyle): string[] {
  const text = ledgerLine(view.ledger);
  if (style.isPiped || textWidth(text) + 9 <= style.width) return [`Ledger   ${text}`];
  return wrapSum(text, style.width, 9).map((part, index) => `${index === 0 ? "Ledger   " : "         "}${part}`);
}

/** Each worker says how many mailboxes the fleet is to push, at the moment it looked: the most that one saw. */
function pushOf(processes: readonly ProcessRecord[]): { chosen: number; connected: number } | undefined {
  const pushes = processes.flatMap(({ push }) => push ?? []);
  if (pushes.length === 0) return undefined;
  return { chosen: Math.max(...pushes.map(({ chosen }) => chosen)), connected: pushes.reduce((sum, { connected }) => sum + connected, 0) };
}

function pushLines({ processes }: StatusFacts): string[] {
  const push = pushOf(processes);
  return push ? [`Push     ${pushSentence(push)}`] : [];
}

/** What is not to be expected of some: said where there are any. */
function pop3Lines({ tenants, mailboxes }: FleetView): string[] {
  const pop3 = tenants.reduce((sum, tenant) => sum + tenant.pop3, 0);
  return pop3 === 0
    ? []
    : [`POP3     ${formatCount(pop3)} of ${formatCounted(mailboxes, "mailbox", "mailboxes")}: the INBOX alone, without flags or push`];
}

function workerLines({ processes, startOptions = "" }: StatusFacts, style: StatusStyle): string[] {
  const { marks, paint } = style;
  const missing = ["producer", "worker"].filter((role) => !processes.some((one) => one.role === role));
  const troubles = processes.flatMap(({ id, troubles: found = [] }) => found.map((text) => `${id}: ${text}`));
  const lines = troubles.flatMap((text) => marked(stripControls(text), "look", style));
  if (missing.length === 0) return lines;
  return [
    ...lines,
    `${paint("look", marks.look)} No ${missing.join(" and no ")} reported within 30 s, so nothing moves. Start it: npx mailfleet up${startOptions}`,
  ];
}

/** What holds all mailboxes' intake back, whole: it is one sentence for everybody. */
function intakeLines({ intake }: FleetView, style: StatusStyle, options = ""): string[] {
  if (!intake) return [];
  const command = intake.command === undefined ? undefined : `${intake.command}${options}`;
  return [...marked(intakeSentence(intake), intake.owner === "you" ? "yours" : "moving", style), ...advice(intake.youCan, command, style)];
}

/** A lane that nobody serves: who reads this starts a worker. */
function laneLines({ lanes }: FleetView, style: StatusStyle): string[] {
  return lanes.flatMap(({ happened, next, youCan, command }) => [
    ...marked(`${happened} ${next}`, "yours", style),
    ...advice(youCan, command, style),
  ]);
}

/** What one can do, and the command for it, whole: it is there to be pasted. */
function advice(words: string, command: string | undefined, style: StatusStyle): string[] {
  const whole = command === undefined ? words : `${words}  ${command}`;
  if (command === undefined || style.isPiped || textWidth(whole) + 2 <= style.width) return marked(whole, undefined, style);
  return [...marked(words, undefined, style), `    ${command}`];
}

/** A sentence behind its mark, broken under itself. */
function marked(text: string, role: "yours" | "look" | "moving" | undefined, style: StatusStyle): string[] {
  const mark = role === undefined ? " " : style.marks[role];
  if (style.isPiped) return [`${mark}\t${text}`];
  const indent = textWidth(mark) + 1;
  const paint = (first: string): string => `${role === undefined ? mark : style.paint(role, mark)} ${first}`;
  return wrapText(text, style.width, indent).map((part, index) => (index === 0 ? paint(part) : `${" ".repeat(indent)}${part}`));
}

interface CauseRow {
  readonly tenant: string;
  readonly what: string;
  readonly whom: string;
  readonly command?: string;
}

/** What a person pastes once a cause is mended: without it mailfleet may wait for an hour. A hint, so only where a person looks. */
function mendedLines({ causes }: FleetView, options: string | undefined, style: StatusStyle): string[] {
  if (style.isPiped) return [];
  const commands = [...new Set(causes.flatMap((cause) => (cause.owner === "you" ? (resumeCommand(cause) ?? []) : [])))];
  return commands.slice(0, 3).map((command, index) => `${index === 0 ? "Mended?" : "       "} ${command}${options ?? ""}`);
}

function withOptions<Row extends { readonly command?: string }>(row: Row, options = ""): Row {
  return row.command === undefined ? row : { ...row, command: `${row.command}${options}` };
}

function causeRows(view: FleetView, owner: CauseGroup["owner"], zone: "utc" | "local", options = ""): CauseRow[] {
  return view.causes
    .filter((cause) => cause.owner === owner)
    .map((cause) => {
      const command = causeCommand(cause);
      const boxes = formatCounted(cause.mailboxCount, "mailbox", "mailboxes");
      return {
        tenant: cause.tenant ?? formatCounted(cause.tenantCount ?? 0, "tenant"),
        what: stripControls(describeCause(cause, { now: view.at, zone }).label),
        whom:
          owner === "you"
            ? `${boxes} ${cause.parkedCount > 0 ? "parked" : "waiting"}`
            : `${boxes}, next try ${zone === "utc" ? `at ${formatUtc(cause.nextAt)}` : formatIn(cause.nextAt, view.at)}`,
        ...(command !== undefined && { command: `${command}${options}` }),
      };
    });
}

/** Columns under each other; a command that does not fit stands on a line of its own, whole. */
function section(title: string, rows: readonly CauseRow[], role: "yours" | "look" | "moving", style: StatusStyle): string[] {
  if (rows.length === 0) return [];
  const mark = style.marks[role];
  if (style.isPiped)
    return [
      [title, "Tenant", "What", "Mailboxes", "Command"],
      ...rows.map((row) => [mark, row.tenant, row.what, row.whom, row.command ?? ""]),
    ].map((cells) => cells.join("\t"));
  const wide = (pick: (row: CauseRow) => string): number => Math.max(...rows.map((row) => textWidth(pick(row))));
  const [tenants, whats, whoms] = [
    Math.max(
      11,
      wide((row) => row.tenant),
    ),
    wide((row) => row.what),
    wide((row) => row.whom),
  ];
  return [
    title,
    ...rows.flatMap((row) => {
      const words = `${padEnd(row.tenant, tenants)} ${padEnd(row.what, whats)}   ${padEnd(row.whom, whoms)}`;
      const paint = (text: string): string => `${style.paint(role, mark)} ${text}`;
      const room = style.width - textWidth(mark) - 1;
      if (row.command !== undefined && textWidth(words) + 3 + row.command.length <= room) return [paint(`${words}   ${row.command}`)];
      const parts = textWidth(words.trimEnd()) <= room ? [words.trimEnd()] : narrowRow(row, tenants, style.width);
      const lines = [paint(parts[0] ?? ""), ...parts.slice(1)];
      return row.command === undefined ? lines : [...lines, `${" ".repeat(tenants + 3)}${row.command}`];
    }),
  ];
}

/** What and whom under each other. */
function narrowRow(row: CauseRow, tenants: number, width: number): string[] {
  const indent = tenants + 3;
  const parts = [...wrapText(row.what, width, indent), ...wrapText(row.whom, width, indent)];
  return parts.map((part, index) => (index === 0 ? `${padEnd(row.tenant, tenants)} ${part}` : `${" ".repeat(indent)}${part}`));
}

function tenantCells(name: string, tenants: readonly TenantView[], facts: StatusFacts, isPiped: boolean): string[] {
  const sum = (pick: (tenant: TenantView) => number): number => tenants.reduce((all, tenant) => all + pick(tenant), 0);
  const number = (value: number): string => (isPiped ? String(value) : formatCount(value));
  const checks = tenants.map((tenant) => tenant.oldestCheck).filter((at) => at !== undefined);
  const oldest = checks.length === 0 ? undefined : Math.min(...checks);
  const rate = sum((tenant) => facts.rates.get(tenant.alias) ?? 0);
  return [
    name,
    number(sum((tenant) => tenant.mailboxes)),
    number(sum((tenant) => tenant.states.fresh + tenant.states.syncing)),
    number(sum((tenant) => tenant.states.behind)),
    number(sum((tenant) => tenant.states.waiting)),
    number(sum((tenant) => tenant.states.parked + tenant.states["parked by operator"])),
    oldest === undefined ? "never" : isPiped ? new Date(oldest).toISOString() : formatAge(Math.max(0, facts.view.at - oldest)),
    formatRate(rate).replace("/s", ""),
    number(sum((tenant) => tenant.ledger.toDo)),
  ];
}

function troubleOf({ states, mailboxes }: TenantView): number {
  return (states.parked + states.behind + states.waiting) * 1_000_000 + mailboxes;
}

/** `mailfleet.status/1`: all causes and all tenants, times in ISO 8601 UTC. */
export function statusJson({ view, rates, processes, load, marks, comingUp, credentials, now, options = "" }: StatusFacts): object {
  const iso = (at: number): string => new Date(at).toISOString();
  const push = pushOf(processes);
  const ledgerOf = (ledger: FleetView["ledger"]): object => ({ ...ledger, unaccounted: unaccounted(ledger) });
  return {
    schema: "mailfleet.status/1",
    at: iso(view.at),
    sentence: fleetSentence(view),
    mailboxes: view.mailboxes,
    states: view.states,
    causes: view.causes.map((cause) => {
      const words = describeCause(cause, { now: view.at, zone: "utc", seconds: true });
      const commands = [causeCommand(cause), resumeCommand(cause)].flatMap((one) => (one === undefined ? [] : [`${one}${options}`]));
      return {
        id: cause.id,
        code: cause.code,
        scope: cause.scope,
        ...(cause.tenant !== undefined && { tenant: cause.tenant }),
        mailboxes: cause.mailboxCount,
        addresses: cause.mailboxes.slice(0, 100),
        since: iso(cause.since),
        owner: cause.owner,
        state: cause.state,
        next: iso(cause.nextAt),
        what: stripControls(words.happened),
        do: cause.owner === "you" ? [words.youCan, ...commands] : [],
      };
    }),
    downstream: {
      waiting: load.waiting,
      active: load.active,
      delayed: load.delayed,
      deadLetters: load.failed,
      bytes: load.bytes,
      highWater: marks.highWater,
      ...(load.oldestAt !== undefined && { oldest: iso(load.oldestAt) }),
      ...(view.intake && {
        cause: {
          code: view.intake.code,
          owner: view.intake.owner,
          what: view.intake.happened,
          next: view.intake.next,
          do: [view.intake.youCan, ...(view.intake.command === undefined ? [] : [`${view.intake.command}${options}`])],
        },
      }),
    },
    unserved: view.lanes.map(({ lane, since, waiting, happened, next, youCan, command }) => ({
      lane,
      since: iso(since),
      waiting,
      what: happened,
      next,
      do: [youCan, command],
    })),
    comingUp: comingUp.map(comingUpJson),
    credentials: credentialsJson(credentials),
    ledger: ledgerOf(sumLedgers(view.tenants.map((tenant) => tenant.ledger))),
    tenants: view.tenants.map((tenant) => ({
      tenant: tenant.alias,
      mailboxes: tenant.mailboxes,
      pop3: tenant.pop3,
      states: tenant.states,
      ...(tenant.oldestCheck !== undefined && { oldestCheck: iso(tenant.oldestCheck) }),
      messagesPerSecond: Math.round((rates.get(tenant.alias) ?? 0) * 10) / 10,
      ledger: ledgerOf(tenant.ledger),
    })),
    ...(push && { push }),
    processes: processes.map(({ id, role, seenAt, concurrency, lanes, troubles = [] }) => ({
      id,
      role,
      seen: iso(seenAt),
      concurrency,
      ...(lanes && { lanes }),
      troubles,
    })),
    printedAt: iso(now),
  };
}
