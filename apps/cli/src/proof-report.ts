import { isProven, proofLines, proofSentence, type ProvenOrNot, type ReportLine, unreadLine } from "@mailfleet/checks";
import {
  type AccountCounts,
  formatClock,
  formatCount,
  formatCounted,
  type Proof,
  type ProofFolder,
  stripControls,
  sumAccounts,
  type TimeStyle,
  uidlsOfPart,
  unaccountedIn,
} from "@mailfleet/core";
import { padEnd, padStart, shortenAddress } from "./text-layout.ts";
import { tabbed } from "./table.ts";

const shownFolders = 12;

/** The table of one mailbox, and its sentence. @param options what commands need besides to reach the same fleet */
export function mailboxReport(proven: ProvenOrNot, style: TimeStyle, width: number, options: string): ReportLine[] {
  const { mailbox } = proven;
  if ("failure" in proven) return [unreadLine(proven, options)];
  const { proof } = proven;
  const at = formatClock(Date.parse(proof.startedAt), style);
  const head = `${mailbox.address} (${mailbox.tenant}), ${formatCounted(proof.folders.length, "folder")} as the server listed them at ${at}`;
  const table = accountTable("Folder", folderRows(proof), width);
  return [{ text: head }, ...table.map((text) => ({ text })), ...proofLines(proven, style, options)];
}

/** The table of many mailboxes, a line each, and the sentence of all. */
export function fleetReport(all: readonly ProvenOrNot[], style: TimeStyle, width: number, ms: number, options: string): ReportLine[] {
  const read = all.filter((one) => "proof" in one);
  const rows = read.map(({ mailbox, proof }): AccountRow => [mailbox.address, proof.sums]);
  const sums = sumAccounts(read.map(({ proof }) => proof.sums));
  const lines: ReportLine[] = accountTable("Mailbox", [...rows, ["Total", sums]], width).map((text) => ({ text }));
  const bad = all.filter((one) => !isProven(one));
  for (const one of bad) {
    if ("failure" in one) lines.push(unreadLine(one, options));
    else lines.push(...proofLines(one, style, options).map((line) => ({ ...line, text: `${one.mailbox.address}: ${line.text}` })));
  }
  lines.push({ mark: bad.length === 0 ? "done" : "yours", text: proofSentence(all, ms) });
  return lines;
}

/** For programs: every folder of every mailbox, tab-separated. */
export function pipedReport(all: readonly ProvenOrNot[]): string[] {
  const titles = [
    "Tenant",
    "Mailbox",
    "Folder",
    "Listed",
    "Handed off",
    "Excluded",
    "Quarantined",
    "To do",
    "Unaccounted",
    "Extras",
    "Compared",
    "Why not",
  ];
  const rows = all.flatMap((one) => {
    const { tenant, address } = one.mailbox;
    if ("failure" in one) return [[tenant, address, "", "", "", "", "", "", "", "", "", one.failure.code]];
    return one.proof.folders.map(({ path, counts, comparedAt, failure }) => [
      tenant,
      address,
      path,
      ...countCells(counts).map(String),
      String(counts.extras),
      comparedAt,
      failure?.code ?? "",
    ]);
  });
  return tabbed(
    titles.map((title) => ({ title })),
    rows.map((row) => row.map(stripControls)),
  );
}

type AccountRow = readonly [name: string, counts: AccountCounts, note?: string | undefined];

/** What has something to say by name, the rest as one line. */
function folderRows({ folders, sums }: Proof): AccountRow[] {
  const isQuiet = ({ path, counts, failure }: ProofFolder): boolean =>
    path.toLowerCase() !== "inbox" && failure === undefined && counts.handedOff === counts.listed && counts.extras === 0;
  const telling = folders.filter((folder) => !isQuiet(folder)).toSorted((a, b) => rank(b) - rank(a));
  const named = folders.length <= shownFolders ? folders : telling.slice(0, shownFolders);
  const shown = new Set(named);
  const rest = folders.filter((folder) => !shown.has(folder));
  return [
    ...folders.filter((folder) => shown.has(folder)).map(({ path, counts, failure }): AccountRow => [path, counts, failure && "not read"]),
    ...(rest.length > 0 ? [[`${formatCount(rest.length)} more`, sumAccounts(rest.map(({ counts }) => counts))] as const] : []),
    ["Total", sums],
  ];
}

function rank({ path, counts, failure }: ProofFolder): number {
  if (path.toLowerCase() === "inbox") return Number.MAX_SAFE_INTEGER;
  return (failure === undefined ? 0 : 1e14) + unaccountedIn(counts) * 1e7 + counts.extras + counts.toDo + counts.quarantined;
}

function countCells(counts: AccountCounts): number[] {
  const { listed, handedOff, excluded, quarantined, toDo } = counts;
  return [listed, handedOff, excluded, quarantined, toDo, unaccountedIn(counts)];
}

/** `Listed = Handed off + Excluded + Quarantined + To do     Unaccounted`, the sum of the README. */
function accountTable(first: string, rows: readonly AccountRow[], width: number): string[] {
  const titles = ["Listed", "= Handed off", "+ Excluded", "+ Quarantined", "+ To do", "Unaccounted"];
  const cells = rows.map(([, counts, note]) => countCells(counts).map((count) => (note === undefined ? formatCount(count) : "-")));
  const widths = titles.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const rest = widths.reduce((sum, one) => sum + one + 1, 0) + 6;
  const names = rows.map(([name]) => stripControls(name));
  const nameWidth = Math.max(first.length, Math.min(Math.max(10, width - rest), Math.max(...names.map((name) => name.length))));
  const render = (name: string, row: readonly string[]): string => {
    const numbers = row.map((text, i) => `${i === 5 ? "    " : ""}${padStart(text, widths[i] ?? 0)}`).join(" ");
    return `  ${padEnd(shortenAddress(name, nameWidth), nameWidth)}  ${numbers}`.trimEnd();
  };
  return [render(first, titles), ...cells.map((row, i) => render(names[i] ?? "", row))];
}

/** What is missing: UIDs, and the UIDLs of a spool. */
function gapsJson(folder: ProofFolder): object {
  const uidls = uidlsOfPart(folder, "gaps");
  const gaps = folder.uids?.gaps;
  return { ...(gaps && { gapUids: "ranges" in gaps ? gaps.ranges : "" }), ...(uidls && { gapUidls: uidls }) };
}

/** The one document of `--json`. */
export function proofJson(all: readonly ProvenOrNot[], at: number): object {
  const read = all.filter((one) => "proof" in one);
  return {
    schema: "mailfleet.prove/1",
    at: new Date(at).toISOString(),
    ok: all.every(isProven),
    sums: sumAccounts(read.map(({ proof }) => proof.sums)),
    mailboxes: all.map((one) => {
      const { tenant, address } = one.mailbox;
      if ("failure" in one) return { tenant, address, verdict: "unread", error: one.failure };
      const { proof, file, unchanged, ms, repair } = one;
      return {
        tenant,
        address,
        verdict: proof.verdict,
        file,
        commands: proof.commands,
        seconds: Math.round(ms / 100) / 10,
        unchanged,
        ...(repair && { repair }),
        sums: proof.sums,
        folders: proof.folders.map((folder) => ({
          path: folder.path,
          comparedAt: folder.comparedAt,
          ...folder.counts,
          ...(folder.counts.gaps > 0 && gapsJson(folder)),
          ...(folder.failure && { error: folder.failure }),
        })),
      };
    }),
  };
}
