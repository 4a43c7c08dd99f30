import { canonicalAddress, type Protocol } from "@mailfleet/core";
import { addressProblem, showAddress } from "./addresses.ts";
import { nearestName } from "./nearest.ts";

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

/** A column that is not looked at. */
export interface MailboxCsvColumn {
  readonly line: number;
  /** Escaped and cut, or `(not shown)`. */
  readonly name: string;
  /** The column that it most likely means. Then the file is not to be used: every row would be read without it. */
  readonly meant?: string;
}

export interface MailboxCsv {
  /** Good and left-out rows together; header, comments and empty lines are no rows. */
  readonly rowCount: number;
  readonly rows: readonly MailboxRow[];
  readonly problems: readonly MailboxCsvProblem[];
  readonly columns: readonly MailboxCsvColumn[];
}

/** Takes what a reader finds, one after the other, so that a file of any length needs no more memory than its sink. */
export interface MailboxCsvSink {
  /** Line of an earlier row with this address. */
  lineOf(address: string): number | undefined;
  row(row: MailboxRow): void;
  problem(problem: MailboxCsvProblem): void;
}

export interface MailboxCsvReader {
  /** The next line, without its end. */
  read(content: string): void;
  readonly rowCount: number;
  readonly columns: readonly MailboxCsvColumn[];
}

/** Column names that mean the address, the last two as Exchange's own export writes them. */
const addressNames = ["address", "mailbox", "email", "primarysmtpaddress", "windowsemailaddress"];

interface Columns {
  readonly address: number;
  readonly protocol: number;
}

/** The whole of a text at once. Never throws. */
export function parseMailboxCsv(text: string): MailboxCsv {
  const problems: MailboxCsvProblem[] = [];
  const rows: MailboxRow[] = [];
  const firstLines = new Map<string, number>();
  const reader = createMailboxCsvReader({
    lineOf: (address) => firstLines.get(address),
    row(row) {
      firstLines.set(row.address, row.line);
      rows.push(row);
    },
    problem: (problem) => problems.push(problem),
  });
  for (const content of text.split(/\r\n|\n|\r/)) reader.read(content);
  return { rowCount: reader.rowCount, rows, problems, columns: reader.columns };
}

/**
 * Mailboxes from CSV (RFC 4180) as spreadsheets and PowerShell write it, line by line: byte order mark, quotes, comma or semicolon,
 * `#` comments and a header are all optional; columns other than address and protocol are named and not looked at. Never throws.
 */
export function createMailboxCsvReader(sink: MailboxCsvSink): MailboxCsvReader {
  let columns: Columns | undefined;
  let notLookedAt: readonly MailboxCsvColumn[] = [];
  let separator = ",";
  let rowCount = 0;
  let line = 0;
  return {
    get rowCount() {
      return rowCount;
    },
    get columns() {
      return notLookedAt;
    },
    read(text) {
      line += 1;
      const content = line === 1 ? text.replace(/^\ufeff/, "") : text;
      if (content.trim() === "" || content.trimStart().startsWith("#")) return;
      if (columns === undefined) separator = content.includes(";") && !content.includes(",") ? ";" : ",";
      const cells = splitCells(content, separator);
      if (columns === undefined) {
        const header = cells === undefined ? undefined : readHeader(cells, line);
        columns = header?.columns ?? { address: 0, protocol: 1 };
        notLookedAt = header?.notLookedAt ?? [];
        if (header !== undefined) return;
      }
      rowCount += 1;
      if (cells === undefined) {
        sink.problem({ line, value: "(not shown)", text: "a quote that does not end" });
        return;
      }
      const address = canonicalAddress(cells[columns.address] ?? "");
      const protocol = (cells[columns.protocol] ?? "").trim().toLowerCase();
      const problem = encodingProblem(address) ?? addressProblem(address) ?? protocolProblem(protocol);
      if (problem !== undefined) {
        sink.problem({ line, value: showAddress(cells[columns.address] ?? ""), text: problem });
        return;
      }
      const first = sink.lineOf(address);
      if (first !== undefined) sink.problem({ line, value: showAddress(cells[columns.address] ?? ""), text: `same as line ${first}` });
      else sink.row({ line, address, ...(isProtocol(protocol) && { protocol }) });
    },
  };
}

/** A row that names columns, undefined for one of mailboxes. A misspelt header is one as well: it has no address, and a name that is near. */
function readHeader(
  cells: readonly string[],
  line: number,
): { readonly columns: Columns; readonly notLookedAt: readonly MailboxCsvColumn[] } | undefined {
  const names = cells.map((cell) => cell.trim().toLowerCase());
  const address = names.findIndex((name) => addressNames.includes(name));
  const protocol = names.indexOf("protocol");
  const wanted = [...(address === -1 ? addressNames : []), ...(protocol === -1 ? ["protocol"] : [])];
  const notLookedAt = cells.flatMap((cell, index): MailboxCsvColumn[] => {
    if (index === address || index === protocol || cell.trim() === "") return [];
    const meant = nearestName(cell.trim(), wanted);
    return [{ line, name: showAddress(cell.trim()), ...(meant !== undefined && { meant }) }];
  });
  const isMisspelt =
    cells.every((cell) => !cell.includes("@")) && notLookedAt.some(({ meant }) => meant !== undefined && meant !== "protocol");
  if (address === -1 && !isMisspelt) return undefined;
  return { columns: { address: Math.max(0, address), protocol }, notLookedAt };
}

/** What a decoder writes where a byte is not UTF-8. */
function encodingProblem(address: string): string | undefined {
  return address.includes("\ufffd") ? "a letter that is not UTF-8" : undefined;
}

function isProtocol(word: string): word is Protocol {
  return word === "imap" || word === "pop3";
}

function protocolProblem(word: string): string | undefined {
  if (word === "" || isProtocol(word)) return undefined;
  // The word itself is not shown: in a file without a header it can be anything, a password too.
  const meant = nearestName(word, ["imap", "pop3"]);
  return `a protocol other than imap or pop3${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

/** Undefined when a quoted cell has no end: a mailbox list has no cell over two lines, so the damage stays in one row. */
function splitCells(line: string, separator: string): string[] | undefined {
  if (!line.includes('"')) return line.split(separator);
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
