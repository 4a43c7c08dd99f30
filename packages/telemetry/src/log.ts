import { type DestinationStream, pino } from "pino";
import type { Clock, Log } from "@mailfleet/core";
import { hideMailboxes, hideFolders } from "./hide-names.ts";
import { redact } from "./redact.ts";
import { RepeatLimiter } from "./repeat-limiter.ts";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  readonly destination: DestinationStream;
  /** Masks the live secrets of the process; `createScrubber` of core. */
  readonly scrub: (text: string) => string;
  /** `hashed`: neither the address of a mailbox nor the name of a folder is written. Default plain. */
  readonly mailboxes?: "plain" | "hashed";
  readonly clock: Pick<Clock, "monotonic">;
  /** In every line: role, process id. */
  readonly base: Readonly<Record<string, string | number>>;
}

export type ProcessLog = Log & {
  /** Resolves when what was logged is written. */
  close(): Promise<void>;
};

type Level = "debug" | "info" | "warn" | "error";

/** One JSON object a line, redacted; the same warning about the same mailbox once a minute. No worker threads, no work at import. */
export function createLog(options: LogOptions): ProcessLog {
  const { destination, clock } = options;
  const isHashed = options.mailboxes === "hashed";
  const scrub = isHashed ? (text: string) => hideMailboxes(options.scrub(text)) : options.scrub;
  const logger = pino(
    {
      level: options.level,
      base: options.base,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  const limiter = new RepeatLimiter();
  const write = (level: Level, fields: object, message: string): void => {
    if (!logger.isLevelEnabled(level)) return;
    const redacted = redact(fields, scrub) as Record<string, unknown>;
    const clean = isHashed ? hideFolders(redacted) : redacted;
    if (level === "warn" || level === "error") {
      const held = limiter.admit(repeatKey(clean, message), clock.monotonic());
      if (held === undefined) return;
      if (held > 0) clean["repeated"] = held;
    }
    logger[level](clean, scrub(message));
  };
  return {
    debug: (fields, message) => write("debug", fields, message),
    info: (fields, message) => write("info", fields, message),
    warn: (fields, message) => write("warn", fields, message),
    error: (fields, message) => write("error", fields, message),
    close: () => flush(destination),
  };
}

/** What makes two warnings the same: the sentence, its code, and whom it is about. */
function repeatKey(fields: Readonly<Record<string, unknown>>, message: string): string {
  return JSON.stringify([message, fields["code"], fields["tenant"], fields["mailbox"], fields["folder"]]);
}

/** A stream writes in order: an empty write that is done means that everything before it is. */
function flush(destination: DestinationStream): Promise<void> {
  if (!("writableLength" in destination)) return Promise.resolve();
  const stream = destination as unknown as NodeJS.WritableStream;
  return new Promise((resolve) => stream.write("", () => resolve()));
}
