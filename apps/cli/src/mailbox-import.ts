import type { MailboxCsvColumn, MailboxCsvProblem } from "@mailfleet/config";
import { formatCount, formatCounted, type MailboxRef, type Protocol } from "@mailfleet/core";
import type { RowState } from "./address-table.ts";
import type { MailboxFile } from "./mailbox-file.ts";

export interface ImportChange {
  readonly address: string;
  readonly from: Protocol;
  readonly to: Protocol;
}

/** Many of something, made one by one when they are asked for. */
export interface Many<One> extends Iterable<One> {
  readonly count: number;
}

/** What an import would do. Sums: rows = fresh + changes + same + problemCount, and pop3 is of the first three. */
export interface ImportPlan {
  readonly tenant: string;
  readonly rows: number;
  readonly fresh: Many<MailboxRef>;
  readonly changes: Many<ImportChange>;
  readonly same: Many<string>;
  /** Of the good rows: their INBOX alone is read. */
  readonly pop3: number;
  /** Registered, not in the file, and not in the configuration, which would bring them back. Sorted. */
  readonly missing: readonly string[];
  /** As `missing`, but for the configuration: never pruned. */
  readonly missingConfigured: number;
  /** Good rows whose mailbox stands in the configuration with the other protocol, which the next start of a producer puts back. In the file's order. */
  readonly overruled: readonly string[];
  /** Mailboxes of the tenant, configured ones included. */
  readonly here: number;
  readonly problems: readonly MailboxCsvProblem[];
  readonly problemCount: number;
  readonly columns: readonly MailboxCsvColumn[];
}

export interface ImportPlanner {
  /** A mailbox that is there. The same one may be told twice. */
  note(mailbox: MailboxRef, isConfigured: boolean): void;
  plan(): ImportPlan;
}

/** Compares a file with what is there. An address of another tenant is left out: one mailbox has one owner (T21). */
export function planImport(file: MailboxFile, tenant: { readonly alias: string; readonly protocol: Protocol }): ImportPlanner {
  const { table } = file;
  const problems: MailboxCsvProblem[] = [];
  const missing = new Set<string>();
  const configured = new Set<string>();
  const overruled = new Set<string>();
  const from = (index: number): Protocol => (protocolOf(index) === "imap" ? "pop3" : "imap");
  const protocolOf = (index: number): Protocol => table.protocol(index) ?? tenant.protocol;
  const select = <One>(state: RowState, make: (index: number) => One): Many<One> => {
    let count = 0;
    for (let index = 0; index < table.size; index++) if (table.state(index) === state) count += 1;
    return {
      count,
      *[Symbol.iterator]() {
        for (let index = 0; index < table.size; index++) if (table.state(index) === state) yield make(index);
      },
    };
  };
  return {
    note(mailbox, isConfigured) {
      const isOurs = mailbox.tenant === tenant.alias;
      if (isOurs && isConfigured) configured.add(mailbox.address);
      const index = table.find(mailbox.address);
      if (index === -1) {
        if (isOurs) missing.add(mailbox.address);
        return;
      }
      if (isOurs && isConfigured && mailbox.protocol !== protocolOf(index)) overruled.add(mailbox.address);
      if (table.state(index) === "elsewhere") return;
      if (!isOurs) {
        table.setState(index, "elsewhere");
        problems.push({ line: table.line(index), value: mailbox.address, text: `is in tenant ${mailbox.tenant} already` });
      } else table.setState(index, mailbox.protocol === protocolOf(index) ? "same" : "change");
    },

    plan() {
      const same = select("same", (index) => table.address(index));
      let pop3 = 0;
      for (let index = 0; index < table.size; index++) if (table.state(index) !== "elsewhere" && protocolOf(index) === "pop3") pop3 += 1;
      const changes = select("change", (index) => ({ address: table.address(index), from: from(index), to: protocolOf(index) }));
      return {
        tenant: tenant.alias,
        rows: file.rowCount,
        fresh: select("fresh", (index): MailboxRef => ({
          tenant: tenant.alias,
          address: table.address(index),
          protocol: protocolOf(index),
        })),
        changes,
        same,
        pop3,
        missing: [...missing].filter((address) => !configured.has(address)).sort(),
        overruled: [...overruled],
        missingConfigured: [...missing].filter((address) => configured.has(address)).length,
        here: same.count + changes.count + missing.size,
        problems: [...file.problems, ...problems].sort((a, b) => a.line - b.line),
        problemCount: file.problemCount + problems.length,
        columns: file.columns,
      };
    },
  };
}

export type ListChoice = "new" | "change" | "missing" | "problems";

/** How some of the new mailboxes answered. */
export interface TriedSample {
  readonly tried: number;
  readonly open: number;
  /** By what the operator calls the reason, such as `no access granted`. */
  readonly refused: readonly { readonly address: string; readonly why: string }[];
}

export interface ImportView {
  readonly file: string;
  readonly isDryRun: boolean;
  readonly isPruning: boolean;
  readonly list?: ListChoice;
  readonly sample?: TriedSample;
}

const named = 3;
const problemsShown = 2;

/** The plan as people read it: what is new, what changes, what stays, what is left out and why. */
export function* importLines(plan: ImportPlan, view: ImportView): Generator<string> {
  const { fresh, changes, same, missing, problems, problemCount } = plan;
  const { file, list, isDryRun, isPruning, sample } = view;
  const good = plan.rows - problemCount;
  const width = Math.max(5, ...[fresh.count, changes.count, same.count].map((n) => formatCount(n).length));
  const count = (n: number): string => formatCount(n).padStart(width);
  yield `${file}: ${formatCount(plan.rows)} ${plan.rows === 1 ? "row" : "rows"}, ${formatCount(good)} good, ${formatCount(problemCount)} left out`;
  yield `  + ${count(fresh.count)} new          ${nameSome(fresh, "new", list)}`.trimEnd();
  if (list === "new") for (const { address } of fresh) yield `      ${address}`;
  yield `  ~ ${count(changes.count)} change       ${changeWords(changes, list)}`.trimEnd();
  if (list === "change") for (const { address, from, to } of changes) yield `      ${address} ${from} to ${to}`;
  yield `  = ${count(same.count)} as they are`;
  if (plan.pop3 > 0) yield `    ${pop3Words(plan.pop3)}`;
  if (plan.overruled.length > 0) yield `    ${overruledWords(plan.overruled)}`;
  yield* missingLines(plan, isPruning, isDryRun);
  if (list === "missing") for (const address of missing) yield `      ${address}`;
  const digits = Math.max(3, ...problems.map((problem) => String(problem.line).length).slice(-1));
  const shown = list === "problems" ? problems : problems.slice(0, problemsShown);
  const widest = Math.max(20, ...shown.slice(0, 1_000).map((problem) => problem.value.length));
  for (const [index, { line, value, text }] of shown.entries()) {
    const hidden = index === shown.length - 1 ? problemCount - shown.length : 0;
    const more = hidden > 0 ? `, and ${formatCount(hidden)} more${list === "problems" ? "" : " (--list problems)"}` : "";
    yield `  ${index === 0 ? "Left out" : "        "}   line ${String(line).padStart(digits)}  ${value.padEnd(widest)}  ${text}${more}`;
  }
  if (plan.columns.length > 0)
    yield `  Not looked at: ${formatCounted(plan.columns.length, "column")}, ${plan.columns.map(({ name }) => name).join(", ")}`;
  if (sample !== undefined) yield `  ${sampleWords(sample)}`;
  const removed = isPruning ? missing.length : 0;
  const sums = (verb: string): string => `${formatCount(fresh.count)} ${verb}, ${formatCount(changes.count)} `;
  yield isDryRun
    ? `Plan: ${sums("to add")}to change, ${formatCount(removed)} to remove. Nothing was changed; without --dry-run it will be.`
    : `Done: ${sums("added")}changed, ${formatCount(removed)} removed.`;
}

/** What `add` did: the addresses are those that somebody just wrote, so all are named. */
export function* addLines({ fresh, changes, same, pop3, overruled }: ImportPlan): Generator<string> {
  if (fresh.count > 0) yield `Added: ${Array.from(fresh, ({ address }) => address).join(", ")}.`;
  if (changes.count > 0)
    yield `Changed: ${Array.from(changes, ({ address, from, to }) => `${address}, protocol ${from} to ${to}`).join("; ")}.`;
  if (same.count > 0) yield `Already there: ${[...same].join(", ")}.`;
  if (pop3 > 0) yield pop3Words(pop3);
  if (overruled.length > 0) yield overruledWords(overruled);
}

/** Without this a mailbox goes back and forth: each change of protocol gives all of its INBOX new keys. */
function overruledWords(addresses: readonly string[]): string {
  const rest = addresses.length - named;
  const some = `${addresses.slice(0, named).join(", ")}${rest > 0 ? ` and ${formatCount(rest)} more` : ""}`;
  return `The configuration has the other protocol for ${some}: the next start of a producer goes back to that. Change it there too.`;
}

function pop3Words(count: number): string {
  return count === 1
    ? "1 is POP3: its INBOX alone, without flags or push."
    : `${formatCount(count)} are POP3: their INBOX alone, without flags or push.`;
}

function* missingLines({ missing, missingConfigured }: ImportPlan, isPruning: boolean, isDryRun: boolean): Generator<string> {
  if (missing.length > 0) {
    const what = isPruning ? (isDryRun ? "They will be taken out." : "They were taken out.") : "They stay; --prune would take them out.";
    yield `    Not in the file but here: ${formatCount(missing.length)}. ${what}`;
  }
  if (missingConfigured > 0) yield `    Not in the file but in the configuration: ${formatCount(missingConfigured)}. They stay.`;
}

function sampleWords({ tried, open, refused }: TriedSample): string {
  const reasons = [...Map.groupBy(refused, ({ why }) => why)].map(
    ([why, some]) =>
      `${formatCount(some.length)} refuse${some.length === 1 ? "s" : ""} (${why}): ${some
        .slice(0, named)
        .map(({ address }) => address)
        .join(", ")}${some.length > named ? ` and ${formatCount(some.length - named)} more` : ""}`,
  );
  return `Tried ${formatCount(tried)} of the new: ${[`${formatCount(open)} open`, ...reasons].join(", ")}`;
}

function nameSome(mailboxes: Many<MailboxRef>, word: ListChoice, list: ListChoice | undefined): string {
  if (list === word) return "";
  const first: string[] = [];
  for (const { address } of mailboxes) {
    first.push(address);
    if (first.length === named) break;
  }
  const rest = mailboxes.count - first.length;
  return `${first.join(", ")}${rest > 0 ? ` and ${formatCount(rest)} more (--list ${word})` : ""}`;
}

function changeWords(changes: Many<ImportChange>, list: ListChoice | undefined): string {
  if (list === "change") return "";
  const kinds = new Map<string, number>();
  for (const { from, to } of changes) kinds.set(`protocol ${from} to ${to}`, (kinds.get(`protocol ${from} to ${to}`) ?? 0) + 1);
  return [...kinds].map(([kind, count]) => `${kind} (${formatCount(count)})`).join(", ");
}

/** `mailfleet.import/1`, with whole lists. */
export function importJson(plan: ImportPlan, view: ImportView): object {
  return {
    schema: "mailfleet.import/1",
    tenant: plan.tenant,
    dryRun: view.isDryRun,
    rows: plan.rows,
    good: plan.rows - plan.problemCount,
    leftOut: plan.problemCount,
    new: Array.from(plan.fresh, ({ address, protocol }) => ({ address, protocol })),
    change: [...plan.changes],
    same: plan.same.count,
    pop3: plan.pop3,
    overruled: plan.overruled,
    missing: plan.missing,
    pruned: view.isPruning,
    problems: plan.problems,
    columnsNotLookedAt: plan.columns.map(({ name }) => name),
    ...(view.sample && { tried: view.sample }),
  };
}
