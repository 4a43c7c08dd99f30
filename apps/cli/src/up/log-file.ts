import { createWriteStream, renameSync, statSync } from "node:fs";
import { finished } from "node:stream/promises";

export interface LogFile {
  readonly path: string;
  /** A line as a role wrote it. */
  write(line: string): void;
  /** Something that is not in a role's own log: what it wrote to stderr, how it ended. */
  note(level: "info" | "warn", fields: Readonly<Record<string, unknown>>): void;
  close(): Promise<void>;
}

/** At a start above this size the log becomes `mailfleet.log.1`. */
const rotateBytes = 50_000_000;

/** The roles' JSON logs in one file. A disk that is full costs log lines and nothing else. */
export function openLogFile(path: string, now: () => number): LogFile {
  try {
    if (statSync(path).size > rotateBytes) renameSync(path, `${path}.1`);
  } catch {
    // There is none yet.
  }
  const stream = createWriteStream(path, { flags: "a", mode: 0o600 });
  let isBroken = false;
  stream.on("error", () => {
    isBroken = true;
  });
  const write = (line: string): void => {
    if (!isBroken && line.trim() !== "") stream.write(`${line}\n`);
  };
  return {
    path,
    write,
    note: (level, fields) => write(JSON.stringify({ level, time: new Date(now()).toISOString(), role: "up", ...fields })),
    async close() {
      stream.end();
      await finished(stream).catch(() => undefined);
    },
  };
}
