import {
  causeCommand,
  describeCause,
  type FleetView,
  formatCount,
  formatCounted,
  formatPercent,
  formatRate,
  formatTotal,
  formatUtc,
  intakeSentence,
  nowLine,
  stripControls,
  unaccounted,
} from "@mailfleet/core";
import { describeEvent, type LatestEvent, type PanelState } from "./panel.ts";

const everyMs = 10_000;
/** The first look at the rate that is worth saying. */
const firstSyncLineMs = 2_000;
const nowEveryMs = 60_000;

/** Progress where nothing may be redrawn: whole sentences, at most one line in 10 s per topic. Gives the lines to write. */
export interface PlainProgress {
  update(state: PanelState, monotonicMs: number): string[];
}

export function plainLine(at: number, topic: string, text: string): string {
  return `${formatUtc(at)}  ${topic.padEnd(6)}  ${text}`;
}

/** @param isOnce one pass: its end is the answer, not a line of progress */
export function createPlainProgress(startedMs: number, isOnce: boolean): PlainProgress {
  const saidAt = new Map<string, number>();
  const saidCauses = new Set<string>();
  const saidLanes = new Set<string>();
  let lastEvent = 0;
  let lastNow = "";
  let saidIntake = "";

  const mayUse = (topic: string, nowMs: number, pauseMs = everyMs): boolean => {
    const last = saidAt.get(topic);
    if (last !== undefined && nowMs - last < pauseMs) return false;
    saidAt.set(topic, nowMs);
    return true;
  };

  return {
    update(state, nowMs) {
      const { view, now, options } = state;
      const lines: string[] = [];
      const say = (topic: string, text: string): void => void lines.push(plainLine(now, topic, stripControls(text)));

      const { intake } = view;
      if (intake === undefined) saidIntake = "";
      else if (saidIntake !== intake.next && mayUse("queue", nowMs)) {
        saidIntake = intake.next;
        say("queue", `${intakeSentence(intake)}${intake.command === undefined ? "" : ` ${intake.command}${options}`}`);
      }
      for (const one of view.lanes) {
        if (saidLanes.has(one.lane) || !mayUse("lane", nowMs)) continue;
        saidLanes.add(one.lane);
        say("lane", `${one.happened} ${one.next} ${one.command}`);
      }
      for (const lane of saidLanes) if (!view.lanes.some((one) => one.lane === lane)) saidLanes.delete(lane);
      if (state.trouble !== undefined && mayUse("wrong", nowMs)) say("wrong", state.trouble);
      if (state.isSyncing && view.mailboxes > 0 && nowMs - startedMs >= firstSyncLineMs && mayUse("sync", nowMs))
        say("sync", syncText(state));
      for (const topic of ["wait", "park"] as const) {
        const isPark = topic === "park";
        const fresh = view.causes.filter((cause) => (cause.owner === "you") === isPark && !saidCauses.has(`${topic} ${cause.id}`));
        const [first] = fresh;
        if (first === undefined || !mayUse(topic, nowMs)) continue;
        for (const cause of fresh) saidCauses.add(`${topic} ${cause.id}`);
        const more = fresh.length > 1 ? `; ${formatCounted(fresh.length - 1, "more cause")}: npx mailfleet status${options}` : "";
        const command = causeCommand(first);
        say(topic, `${causeText(first, view)}${command === undefined ? "" : `; ${command}${options}`}${more}`);
      }
      const news = state.latest.filter((event) => event.at > lastEvent);
      const [newest] = news;
      if (!state.isSyncing && newest !== undefined && mayUse("new", nowMs)) {
        lastEvent = newest.at;
        say("new", eventText(newest, news.length - 1));
      }
      if (!state.isSyncing && !isOnce) {
        const text = nowText(state);
        if (text !== lastNow && mayUse("now", nowMs, nowEveryMs)) {
          lastNow = text;
          say("now", text);
        }
      }
      return lines;
    },
  };
}

/** `60 %, 7,610 of 12,480 messages, 912/s, about 6 s left` */
function syncText({ view, rate, left }: PanelState): string {
  const { listed, toDo } = view.ledger;
  const isCounted = view.tenants.every((tenant) => tenant.isCounted);
  const done = Math.max(0, listed - toDo);
  const parts = [
    isCounted ? formatPercent(done, listed) : listed === 0 ? "0 %" : formatPercent(Math.min(done, listed - 1), listed),
    `${formatCount(done)} of ${formatTotal(listed, isCounted)} messages`,
    formatRate(rate),
  ];
  if (left !== undefined) parts.push(`${left} left`);
  return parts.join(", ");
}

/** `fabrikam ap@fabrikam.example: throttled by the server until 14:03:14Z` */
function causeText(cause: FleetView["causes"][number], view: FleetView): string {
  const { label } = describeCause(cause, { now: view.at, zone: "utc", seconds: true });
  const [first = ""] = cause.mailboxes;
  const whom = cause.mailboxCount === 1 ? first : formatCounted(cause.mailboxCount, "mailbox", "mailboxes");
  return `${cause.tenant ?? formatCounted(cause.tenantCount ?? 0, "tenant")} ${whom}: ${label}`;
}

function eventText(event: LatestEvent, more: number): string {
  return `${describeEvent(event)}${more > 0 ? `, and ${formatCount(more)} more` : ""}`;
}

function nowText({ view, rate }: PanelState): string {
  return nowLine({ ...view, messagesPerSecond: rate });
}

export interface PassSummary {
  readonly mailboxes: number;
  /** Handed off, of all time, for these mailboxes. */
  readonly messages: number;
  /** Handed off in this run. */
  readonly added: number;
  readonly quarantined: number;
  readonly parked: number;
  /** Stopped by what ends by itself, for longer than a pass waits. */
  readonly waiting: number;
  readonly seconds: number;
  readonly unaccounted: number;
}

export function summarize(
  view: FleetView,
  handedOffBefore: number,
  counts: { readonly parked: number; readonly waiting: number },
  ms: number,
): PassSummary {
  const { handedOff, quarantined } = view.ledger;
  return {
    mailboxes: view.mailboxes,
    messages: handedOff,
    added: Math.max(0, handedOff - handedOffBefore),
    quarantined,
    parked: counts.parked,
    waiting: counts.waiting,
    seconds: Math.round(ms / 100) / 10,
    unaccounted: unaccounted(view.ledger),
  };
}

/** `first pass: 60 mailboxes, 12,465 messages handed off, 3 quarantined, 1 parked, 14.2 s, unaccounted 0` */
export function doneText(summary: PassSummary, isFirst: boolean): string {
  const parts = [
    formatCounted(summary.mailboxes, "mailbox", "mailboxes"),
    `${formatCounted(summary.messages, "message")} handed off`,
    ...(isFirst ? [] : [`${formatCount(summary.added)} of them in this run`]),
    `${formatCount(summary.quarantined)} quarantined`,
    `${formatCount(summary.parked)} parked`,
    ...(summary.waiting > 0 ? [`${formatCount(summary.waiting)} still waiting`] : []),
    `${summary.seconds.toFixed(1)} s`,
    `unaccounted ${formatCount(summary.unaccounted)}`,
  ];
  return `${isFirst ? "first pass" : "pass"}: ${parts.join(", ")}`;
}
