import type { MailboxCsv, MailboxCsvProblem } from "@mailfleet/config";
import { formatCount, type MailboxRef, type Protocol } from "@mailfleet/core";

export interface ImportChange {
  readonly address: string;
  readonly from: Protocol;
  readonly to: Protocol;
}

/** What an import would do. Sums: rows = fresh + changes + same + problems. */
export interface ImportPlan {
  readonly tenant: string;
  readonly rows: number;
  readonly fresh: readonly MailboxRef[];
  readonly changes: readonly ImportChange[];
  readonly same: number;
  /** Here, and not in the file: they stay. */
  readonly missing: readonly string[];
  readonly problems: readonly MailboxCsvProblem[];
}

/** Compares a file with what is registered. Pure. An address of another tenant is left out: one mailbox has one owner (T21). */
export function planImport(
  csv: MailboxCsv,
  tenant: { readonly alias: string; readonly protocol: Protocol },
  known: readonly MailboxRef[],
): ImportPlan {
  const byAddress = new Map(known.map((mailbox) => [mailbox.address, mailbox]));
  const fresh: MailboxRef[] = [];
  const changes: ImportChange[] = [];
  const problems = [...csv.problems];
  let same = 0;
  for (const { line, address, protocol = tenant.protocol } of csv.rows) {
    const here = byAddress.get(address);
    if (here === undefined) fresh.push({ tenant: tenant.alias, address, protocol });
    else if (here.tenant !== tenant.alias) problems.push({ line, value: address, text: `is in tenant ${here.tenant} already` });
    else if (here.protocol !== protocol) changes.push({ address, from: here.protocol, to: protocol });
    else same++;
  }
  const inFile = new Set(csv.rows.map((row) => row.address));
  const missing = known
    .filter((mailbox) => mailbox.tenant === tenant.alias && !inFile.has(mailbox.address))
    .map((mailbox) => mailbox.address);
  return { tenant: tenant.alias, rows: csv.rowCount, fresh, changes, same, missing, problems: problems.sort((a, b) => a.line - b.line) };
}

export type ListChoice = "new" | "change" | "missing" | "problems";

const named = 3;
const problemsShown = 2;

/** The plan as people read it (experience.md section 2.5). */
export function importLines(plan: ImportPlan, file: string, isDryRun: boolean, list: ListChoice | undefined): string[] {
  const { fresh, changes, same, missing, problems } = plan;
  const good = plan.rows - problems.length;
  const width = Math.max(5, ...[fresh.length, changes.length, same].map((n) => formatCount(n).length));
  const count = (n: number): string => formatCount(n).padStart(width);
  const lines = [
    `${file}: ${formatCount(plan.rows)} ${plan.rows === 1 ? "row" : "rows"}, ${formatCount(good)} good, ${formatCount(problems.length)} left out`,
  ];
  lines.push(
    `  + ${count(fresh.length)} new          ${nameSome(
      fresh.map((mailbox) => mailbox.address),
      list === "new",
      "new",
    )}`.trimEnd(),
  );
  lines.push(`  ~ ${count(changes.length)} change       ${changeWords(changes, list === "change")}`.trimEnd());
  lines.push(`  = ${count(same)} as they are`);
  if (missing.length > 0) {
    lines.push(`    Not in the file but here: ${formatCount(missing.length)}. They stay.`);
    if (list === "missing") lines.push(...missing.map((address) => `      ${address}`));
  }
  const digits = Math.max(3, ...problems.map((problem) => String(problem.line).length));
  const shown = list === "problems" ? problems : problems.slice(0, problemsShown);
  const values = Math.max(20, ...shown.map((problem) => problem.value.length));
  for (const [index, { line, value, text }] of shown.entries()) {
    const hidden = index === shown.length - 1 ? problems.length - shown.length : 0;
    const more = hidden > 0 ? `, and ${formatCount(hidden)} more (--list problems)` : "";
    lines.push(
      `  ${index === 0 ? "Left out" : "        "}   line ${String(line).padStart(digits)}  ${value.padEnd(values)}  ${text}${more}`,
    );
  }
  const sums = (verb: string): string => `${formatCount(fresh.length)} ${verb}, ${formatCount(changes.length)} `;
  lines.push(
    isDryRun
      ? `Plan: ${sums("to add")}to change, 0 to remove. Nothing was changed; without --dry-run it will be.`
      : `Done: ${sums("added")}changed, 0 removed.`,
  );
  return lines;
}

function nameSome(names: readonly string[], isAll: boolean, word: string): string {
  if (isAll) return names.join("\n                   ");
  const rest = names.length - named;
  return `${names.slice(0, named).join(", ")}${rest > 0 ? ` and ${formatCount(rest)} more (--list ${word})` : ""}`;
}

function changeWords(changes: readonly ImportChange[], isAll: boolean): string {
  if (isAll) return changes.map(({ address, from, to }) => `${address} ${from} to ${to}`).join("\n                   ");
  const kinds = Map.groupBy(changes, ({ from, to }) => `protocol ${from} to ${to}`);
  return [...kinds].map(([kind, some]) => `${kind} (${formatCount(some.length)})`).join(", ");
}

/** `mailfleet.import/1`, with whole lists. */
export function importJson(plan: ImportPlan, isDryRun: boolean): object {
  return {
    schema: "mailfleet.import/1",
    tenant: plan.tenant,
    dryRun: isDryRun,
    rows: plan.rows,
    good: plan.rows - plan.problems.length,
    leftOut: plan.problems.length,
    new: plan.fresh.map(({ address, protocol }) => ({ address, protocol })),
    change: plan.changes,
    same: plan.same,
    missing: plan.missing,
    problems: plan.problems,
  };
}
