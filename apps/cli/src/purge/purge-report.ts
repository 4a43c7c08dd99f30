import { addSums, formatBytes, formatCount, formatCounted, type MailboxRef, type PurgeSums, stripControls } from "@mailfleet/core";

/** What a purge removes, as half a sentence: `3 folders, 312 events, 41 files (12 MB)`; `nothing` where there is none. */
export function purgeWords(sums: PurgeSums): string {
  const { folders = 0, events = 0, letters = 0, discarded = 0, entries = 0, files = 0, bytes = 0, proofs = 0, lines = 0 } = sums;
  const words = [
    folders > 0 && formatCounted(folders, "folder's state", "folders' state"),
    events > 0 && `${formatCounted(events, "event")} on the queue`,
    letters > 0 && formatCounted(letters, "dead letter"),
    discarded > 0 && formatCounted(discarded, "discarded letter"),
    entries > 0 && `${formatCounted(entries, "entry", "entries")} in Redis that ${entries === 1 ? "names" : "name"} it`,
    files > 0 && `${formatCounted(files, "file")} of stored mail (${formatBytes(bytes)})`,
    proofs > 0 && formatCounted(proofs, "proof"),
    lines > 0 && `${formatCounted(lines, "line")} of local files`,
  ].filter((word) => word !== false);
  return words.length === 0 ? "nothing" : words.join(", ");
}

export function totalOf(rows: readonly (readonly [MailboxRef, PurgeSums])[]): PurgeSums {
  return rows.reduce<PurgeSums>((sum, [, sums]) => addSums(sum, sums), {});
}

const shownMost = 20;

/** A line for each mailbox. */
export function purgeLines(rows: readonly (readonly [MailboxRef, PurgeSums])[]): string[] {
  const lines = rows
    .slice(0, shownMost)
    .map(([{ tenant, address }, sums]) => `  ${stripControls(`${tenant}/${address}`)}: ${purgeWords(sums)}`);
  if (rows.length > shownMost) lines.push(`  and ${formatCount(rows.length - shownMost)} more`);
  return lines;
}

/** What no purge reaches, said each time. */
export const beyondReach =
  "Out of its reach: what consumers took, logs that were collected elsewhere, and backups and replicas of Redis and the disk.";
