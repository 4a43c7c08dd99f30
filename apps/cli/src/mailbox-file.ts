import { createReadStream } from "node:fs";
import path from "node:path";
import { createMailboxCsvReader, type MailboxCsvColumn, type MailboxCsvProblem } from "@mailfleet/config";
import { formatCounted, stripControls } from "@mailfleet/core";
import { AddressTable } from "./address-table.ts";
import { CliError } from "./cli-error.ts";

/** What a file of mailboxes has in it. */
export interface MailboxFile {
  readonly rowCount: number;
  readonly table: AddressTable;
  /** In the order of the file; above `problemsKept` only counted. */
  readonly problems: readonly MailboxCsvProblem[];
  readonly problemCount: number;
  readonly columns: readonly MailboxCsvColumn[];
}

/** About 30 MB of them; nobody reads more. */
const problemsKept = 100_000;
/** Characters; a list of mailboxes has no such line, and a disk image has. */
const longestLine = 65_536;

/**
 * Reads a file of any length piece by piece. UTF-8, or UTF-16 with its mark, as PowerShell and spreadsheets write it.
 * @throws CliError 2 for what is no list of mailboxes, and for a header that is misspelt: nothing of such a file is used
 */
export async function readMailboxFile(file: string, cwd: string): Promise<MailboxFile> {
  return readMailboxChunks(createReadStream(path.resolve(cwd, file)), stripControls(file));
}

/** @param name of the file, for messages */
export async function readMailboxChunks(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, name: string): Promise<MailboxFile> {
  const table = new AddressTable();
  const problems: MailboxCsvProblem[] = [];
  let problemCount = 0;
  const reader = createMailboxCsvReader({
    lineOf(address) {
      const index = table.find(address);
      return index === -1 ? undefined : table.line(index);
    },
    row: (row) => table.add(row),
    problem(problem) {
      problemCount += 1;
      if (problems.length < problemsKept) problems.push(problem);
    },
  });
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let rest = "";
  try {
    for await (const chunk of chunks) {
      decoder ??= decoderOf(chunk, name);
      rest = readLines(rest + decoder.decode(chunk, { stream: true }), reader.read);
      if (rest.length > longestLine) throw unusable(name, `a line of more than ${longestLine} characters: it is no list of mailboxes`);
      refuseMisspelt(reader.columns, name);
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    throw new CliError(2, {
      code: "FILE",
      what: `${name} cannot be read: ${code === "ENOENT" ? "there is no such file" : code}.`,
      next: "Nothing was changed.",
    });
  }
  for (const line of (rest + (decoder?.decode() ?? "")).split(/\r\n|\n|\r/)) reader.read(line);
  refuseMisspelt(reader.columns, name);
  return { rowCount: reader.rowCount, table, problems, problemCount, columns: reader.columns };
}

/** Gives what has no line end yet. A CR at the end may be half of a CRLF. */
function readLines(text: string, read: (line: string) => void): string {
  const end = /\r\n|\n|\r(?!$)/g;
  let begin = 0;
  for (let found = end.exec(text); found !== null; found = end.exec(text)) {
    read(text.slice(begin, found.index));
    begin = end.lastIndex;
  }
  return text.slice(begin);
}

function decoderOf(first: Uint8Array, name: string): InstanceType<typeof TextDecoder> {
  const [a, b] = first;
  if (a === 0xff && b === 0xfe) return new TextDecoder("utf-16le");
  if (a === 0xfe && b === 0xff) return new TextDecoder("utf-16be");
  // Every other byte of UTF-16 is zero in plain addresses; a single one is a matter of its row.
  if (first.filter((byte) => byte === 0).length > first.length / 4)
    throw unusable(name, "NUL bytes: it is no text, or UTF-16 without its mark. Save it as UTF-8");
  return new TextDecoder("utf-8", { ignoreBOM: true });
}

function refuseMisspelt(columns: readonly MailboxCsvColumn[], name: string): void {
  const misspelt = columns.filter(({ meant }) => meant !== undefined);
  if (misspelt.length === 0) return;
  const words = misspelt.map((column) => `line ${column.line}: ${column.name}, did you mean ${column.meant ?? ""}?`);
  throw new CliError(2, {
    code: "COLUMN_UNKNOWN",
    what: `${name} has ${formatCounted(misspelt.length, "column")} that seems misspelt. ${words.join(" ")}`,
    next: "Nothing was changed.",
    todo: ["Its columns: address, protocol. Others may be there, and are not looked at."],
    problems: misspelt,
  });
}

function unusable(name: string, what: string): CliError {
  return new CliError(2, { code: "FILE", what: `${name} has ${what}.`, next: "Nothing was changed." });
}
