import { canonicalAddress, type Protocol } from "@mailfleet/core";
import { addressProblem, showAddress } from "./addresses.ts";
import type { MailboxConfig } from "./config.ts";
import { readNamedText } from "./files.ts";
import { parseMailboxCsv } from "./mailbox-csv.ts";
import type { Reading } from "./reading.ts";
import { describeValue, showFile } from "./show.ts";
import type { Path } from "./yaml-source.ts";

/** Canonical address -> where it stood first; over all tenants, because two aliases may be one directory (T21). */
export type SeenMailboxes = Map<string, string>;

export interface MailboxSources {
  readonly list: readonly unknown[] | undefined;
  readonly file: string | undefined;
  /** For mailboxes that do not say. */
  readonly protocol: Protocol;
}

/** The good mailboxes of a tenant, of the list and then of the file; everything else is reported. */
export function resolveMailboxes(
  reading: Reading,
  tenantPath: Path,
  sources: MailboxSources,
  seen: SeenMailboxes,
): readonly MailboxConfig[] {
  const mailboxes: MailboxConfig[] = [];
  for (const [index, entry] of (sources.list ?? []).entries()) {
    const path = [...tenantPath, "mailboxes", index];
    const mailbox = readEntry(reading, path, entry, sources.protocol);
    if (mailbox === undefined) continue;
    const first = seen.get(mailbox.address);
    if (first !== undefined)
      reading.report(path, `is ${showAddress(mailbox.address)}, the same mailbox as ${first}`, "expected each mailbox once");
    else {
      seen.set(mailbox.address, `on ${reading.placeOf(path)}`);
      mailboxes.push(mailbox);
    }
  }
  if (sources.file !== undefined)
    mailboxes.push(...readMailboxFile(reading, [...tenantPath, "mailboxesFile"], sources.file, sources.protocol, seen));
  return mailboxes;
}

function readEntry(reading: Reading, path: Path, entry: unknown, protocol: Protocol): MailboxConfig | undefined {
  if (typeof entry === "string") return checkedAddress(reading, path, entry, protocol);
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
    reading.report(path, describeValue(entry), "expected an address, or { address, protocol }");
    return undefined;
  }
  const { address, protocol: own = protocol, ...unknown } = entry as Record<string, unknown>;
  for (const key of Object.keys(unknown)) reading.report([...path, key], "is not known", "expected address and protocol only");
  if (own !== "imap" && own !== "pop3") {
    reading.report([...path, "protocol"], describeValue(own), "expected imap or pop3");
    return undefined;
  }
  if (typeof address === "string") return checkedAddress(reading, [...path, "address"], address, own);
  reading.report([...path, "address"], describeValue(address), "expected an address");
  return undefined;
}

function checkedAddress(reading: Reading, path: Path, text: string, protocol: Protocol): MailboxConfig | undefined {
  const problem = addressProblem(text);
  if (problem === undefined) return { address: canonicalAddress(text), protocol };
  reading.report(path, `is ${showAddress(text)}, with ${problem}`, "expected a mailbox address, such as support@contoso.com");
  return undefined;
}

function readMailboxFile(reading: Reading, path: Path, name: string, protocol: Protocol, seen: SeenMailboxes): readonly MailboxConfig[] {
  const content = readNamedText(reading, path, name);
  if (content === undefined) return [];
  const shown = showFile(name).replaceAll('"', "");
  const { rows, problems, columns } = parseMailboxCsv(content.text);
  for (const { line, name: column, meant } of columns) {
    if (meant !== undefined) reading.reportIn(shown, line, `has a column ${column}`, `did you mean ${meant}?`);
  }
  for (const { line, value, text } of problems) {
    reading.reportIn(
      shown,
      line,
      `is ${value}: ${text}`,
      text.startsWith("same as") ? "expected each mailbox once" : "expected a mailbox address, and imap or pop3 if a protocol",
    );
  }
  const mailboxes: MailboxConfig[] = [];
  for (const row of rows) {
    const first = seen.get(row.address);
    if (first !== undefined)
      reading.reportIn(shown, row.line, `is ${showAddress(row.address)}, the same mailbox as ${first}`, "expected each mailbox once");
    else {
      seen.set(row.address, `on line ${row.line} of ${shown}`);
      mailboxes.push({ address: row.address, protocol: row.protocol ?? protocol });
    }
  }
  return mailboxes;
}
