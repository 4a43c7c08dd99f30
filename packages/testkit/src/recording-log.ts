import type { Log } from "@mailfleet/core";

export interface LogRecord {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: object;
  readonly message: string;
}

export interface RecordingLog extends Log {
  readonly records: readonly LogRecord[];
  /** The messages of one level, or of all. */
  messages(level?: LogRecord["level"]): readonly string[];
}

/** Keeps what is logged, for tests that say what an operator must be told. */
export function recordingLog(): RecordingLog {
  const records: LogRecord[] = [];
  const recorder =
    (level: LogRecord["level"]) =>
    (fields: object, message: string): void =>
      void records.push({ level, fields, message });
  return {
    records,
    messages: (level) => records.filter((record) => level === undefined || record.level === level).map((record) => record.message),
    debug: recorder("debug"),
    info: recorder("info"),
    warn: recorder("warn"),
    error: recorder("error"),
  };
}

/** Says nothing. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // On purpose.
}
