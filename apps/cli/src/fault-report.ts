import { formatCounted, formatDeadline, formatDuration, formatIn } from "@mailfleet/core";
import { faultGroups, type FaultOrder, faultPlace, type FaultSpec, type ListedFault, type ParamSpec } from "@mailfleet/sandbox/faults";
import { padEnd, wrapText } from "./text-layout.ts";

const sides: Readonly<Record<FaultSpec["side"], string>> = {
  mail: "IMAP and POP3 server",
  imap: "IMAP server",
  pop3: "POP3 server",
  token: "token endpoint",
};

export const faultExamples = `Examples:
  npx mailfleet sandbox fault add protocol-disabled --mailbox support@northwind.example --protocol pop3 --for 5m
  npx mailfleet sandbox fault add throttle --mailbox support@contoso.example --for 2m --param hintMs=30s
  npx mailfleet sandbox fault clear
`;

/** Every fault with its sentence, by groups. */
export function catalogueLines(columns: number): string[] {
  const groups = faultGroups();
  const names = Math.max(...groups.flatMap(({ faults }) => faults.map(({ name }) => name.length)));
  const lines: string[] = [];
  for (const { title, faults } of groups) {
    lines.push(title);
    for (const { name, spec } of faults) {
      const parts = wrapText(spec.says, columns, names + 4);
      lines.push(...parts.map((part, index) => `  ${padEnd(index === 0 ? name : "", names)}  ${part}`));
    }
    lines.push("");
  }
  return lines;
}

/** One fault with its parameters. */
export function faultLines(name: string, spec: FaultSpec, columns: number): string[] {
  const lines = [`${name} (${sides[spec.side]})`, ...wrapText(spec.says, columns, 2).map((part) => `  ${part}`)];
  const params = Object.entries(spec.params);
  if (params.length === 0) return [...lines, "  It has no parameter."];
  const names = Math.max(...params.map(([param]) => param.length));
  for (const [param, its] of params) {
    const parts = wrapText(`${its.says}: ${valuesOf(its)}; default ${defaultOf(its)}`, columns, names + 6);
    lines.push(...parts.map((part, index) => `    ${padEnd(index === 0 ? param : "", names)}  ${part}`));
  }
  return lines;
}

/** What strikes now. */
export function activeLines(faults: readonly ListedFault[], now: number): string[] {
  if (faults.length === 0) return ["Nothing goes wrong on purpose."];
  const rows = faults.map((fault) => [
    String(fault.id),
    fault.order.name,
    faultPlace(fault.order),
    `struck ${formatCounted(fault.struck, "time")}`,
    timeOf(fault, now),
    paramsOf(fault.order),
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return [
    `${formatCounted(faults.length, "fault is", "faults are")} ordered.`,
    ...rows.map((row) => `  ${row.map((cell, column) => padEnd(cell, widths[column] ?? 0)).join("  ")}`.trimEnd()),
  ];
}

function timeOf({ from, until, order }: ListedFault, now: number): string {
  if (from > now) return `begins ${formatIn(from, now)}`;
  if (until !== undefined) return `until ${formatDeadline(until, { now, zone: "local", seconds: true })}`;
  return order.forMs === undefined ? "until it is taken back" : `for ${formatDuration(order.forMs)} from its first strike`;
}

function paramsOf({ params = {} }: FaultOrder): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(" ");
}

function valuesOf(param: ParamSpec): string {
  switch (param.kind) {
    case "number":
      return `${String(param.low)} to ${String(param.high)}`;
    case "word":
      return param.words.join(", ");
    case "flag":
      return "true, false";
    case "text":
      return "a text";
  }
}

function defaultOf(param: ParamSpec): string {
  return param.default === "" ? "none" : String(param.default);
}
