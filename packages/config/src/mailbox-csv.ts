import { canonicalAddress, type Protocol } from "@mailfleet/core";
import { addressProblem, showAddress } from "./addresses.ts";

export interface MailboxRow {
  /** Line in the file, from 1. */
  readonly line: number;
  /** Canonical. */
  readonly address: string;
  /** Absent: the tenant's. */
  readonly protocol?: Protocol;
}

export interface MailboxCsvProblem {
  readonly line: number;
  /** What stands there, quoted and escaped, or `(not shown)`. */
  readonly value: string;
  /** What is wrong, as a noun phrase: `a space in the address`, `same as line 12`. */
  readonly text: string;
}

export interface MailboxCsv {
  /** Good and left-out rows together; header, comments and empty lines are no rows. */
  readonly rowCount: number;
  readonly rows: readonly MailboxRow[];
  readonly problems: readonly MailboxCsvProblem[];
}

/** Column names that mean the address, the last two as Exchange's own export writes them. */
const addressNames = ["address", "mailbox", "email", "primarysmtpaddress", "windowsemailaddress"];

interface Columns {
  readonly address: number;
  readonly protocol: number;
}

/**
 * Mailboxes from CSV (RFC 4180) as spreadsheets and PowerShell write it: byte order mark, CRLF, quotes, comma or semicolon,
 * `#` comments and a header are all optional; columns other than address and protocol are not looked at. Never throws.
 */
export function parseMailboxCsv(text: string): MailboxCsv {
  const problems: MailboxCsvProblem[] = [];
  const rows: MailboxRow[] = [];
  const firstLines = new Map<string, number>();
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
  let columns: Columns | undefined;
  let separator = ",";
  let rowCount = 0;
  for (const [index, content] of lines.entries()) {
    const line = index + 1;
    if (content.trim() === "" || content.trimStart().startsWith("#")) continue;
    if (columns === undefined) separator = content.includes(";") && !content.includes(",") ? ";" : ",";
    const cells = splitCells(content, separator);
    if (columns === undefined) {
      const header = cells === undefined ? undefined : headerColumns(cells);
      columns = header ?? { address: 0, protocol: 1 };
      if (header !== undefined) continue;
    }
    rowCount += 1;
    if (cells === undefined) {
      problems.push({ line, value: "(not shown)", text: "a quote that does not end" });
      continue;
    }
    const address = canonicalAddress(cells[columns.address] ?? "");
    const protocol = (cells[columns.protocol] ?? "").trim().toLowerCase();
    const problem = addressProblem(address) ?? protocolProblem(protocol);
    const first = firstLines.get(address);
    if (problem !== undefined) problems.push({ line, value: showAddress(cells[columns.address] ?? ""), text: problem });
    else if (first !== undefined) problems.push({ line, value: showAddress(address), text: `same as line ${first}` });
    else {
      firstLines.set(address, line);
      rows.push({ line, address, ...(isProtocol(protocol) && { protocol }) });
    }
  }
  return { rowCount, rows, problems };
}

function headerColumns(cells: readonly string[]): Columns | undefined {
  const names = cells.map((cell) => cell.trim().toLowerCase());
  const address = names.findIndex((name) => addressNames.includes(name));
  return address === -1 ? undefined : { address, protocol: names.indexOf("protocol") };
}

function isProtocol(word: string): word is Protocol {
  return word === "imap" || word === "pop3";
}

function protocolProblem(word: string): string | undefined {
  return word === "" || isProtocol(word) ? undefined : "a protocol other than imap or pop3";
}

/** Undefined when a quoted cell has no end: a mailbox list has no cell over two lines, so the damage stays in one row. */
function splitCells(line: string, separator: string): string[] | undefined {
  const cells: string[] = [];
  let position = 0;
  while (position <= line.length) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*/.exec(line.slice(position));
    if (quoted !== null) {
      cells.push((quoted[1] as string).replaceAll('""', '"'));
      position += quoted[0].length;
      if (position < line.length && line[position] !== separator) return undefined;
    } else {
      if (/^\s*"/.test(line.slice(position))) return undefined;
      const end = line.indexOf(separator, position);
      cells.push(line.slice(position, end === -1 ? undefined : end));
      position = end === -1 ? line.length : end;
    }
    position += 1;
  }
  return cells;
}
