import { type FileHandle, open } from "node:fs/promises";
import type { MailboxNames } from "@mailfleet/core";

/** Read and written in one go. */
const pieceBytes = 1024 * 1024;
const newline = 0x0a;

/**
 * What stands in a line that names the mailbox: `line` as long as the line where it fits, padded with spaces; without it the names alone are
 * struck out. As many bytes as before, because another process may be appending to the file: it is never shortened, and never replaced.
 * @param line of JSON, in place of all that a log line says
 * @returns how many lines
 */
export async function maskLines(path: string, names: MailboxNames, isDone: boolean, line?: string): Promise<number> {
  const file = await open(path, isDone ? "r+" : "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!file) return 0;
  try {
    return await maskFile(file, names, isDone, line);
  } finally {
    if (isDone) await file.sync();
    await file.close();
  }
}

async function maskFile(file: FileHandle, names: MailboxNames, isDone: boolean, line: string | undefined): Promise<number> {
  let lines = 0;
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; ; at += pieceBytes) {
    const piece = Buffer.alloc(pieceBytes);
    const { bytesRead } = await file.read(piece, 0, pieceBytes, at);
    const bytes = Buffer.concat([rest, piece.subarray(0, bytesRead)]);
    const start = at - rest.length;
    const isEnd = bytesRead < pieceBytes;
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(newline, from);
      if (end === -1 && !isEnd) break;
      const own = bytes.subarray(from, end === -1 ? bytes.length : end);
      const masked = maskLine(own, names, line);
      if (masked !== undefined) {
        lines++;
        if (isDone) await file.write(masked, 0, masked.length, start + from);
      }
      if (end === -1) break;
      from = end + 1;
    }
    if (isEnd) return lines;
    rest = bytes.subarray(from);
  }
}

/** Undefined where the mailbox is not named. */
function maskLine(bytes: Buffer, names: MailboxNames, line: string | undefined): Buffer | undefined {
  const text = bytes.toString("utf8");
  if (!names.isNamedIn(text)) return undefined;
  // A text that is no UTF-8 has another length once it was read: all of it goes.
  const struck = Buffer.from(names.mask(text, (name) => "*".repeat(Buffer.byteLength(name))));
  if (line === undefined && struck.length === bytes.length) return struck;
  const whole = Buffer.alloc(bytes.length, " ");
  if (line !== undefined && Buffer.byteLength(line) <= bytes.length) whole.write(line);
  return whole;
}
