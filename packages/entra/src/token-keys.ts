import { type Clock, type Log, type Secret, tokenKeyLines } from "@mailfleet/core";
import { createKeyRing, type KeyRing } from "./seal-token.ts";
import { WatchedFiles } from "./watched-files.ts";

export interface TokenKeysOptions {
  /** As `tokenKeyLines` has them; at least one. */
  readonly keys: readonly Secret[];
  /** Where they are read again from. */
  readonly file?: string;
  readonly clock: Pick<Clock, "sleep">;
  readonly log: Log;
}

/** The keys that seal tokens, while they are changed: a new one is added to every process, then put first, then the old one goes (T06). */
export interface TokenKeys {
  ring(): KeyRing;
  /** Reads the file again where it changed; one that holds no keys is told and left. Throws only what `signal` aborts with. */
  look(signal?: AbortSignal): Promise<void>;
}

/** Reads nothing yet. @throws RangeError for keys that are none */
export function createTokenKeys({ keys, file, clock, log }: TokenKeysOptions): TokenKeys {
  let ring = ringOf(keys.map((key) => key.reveal()));
  const files = file === undefined ? undefined : new WatchedFiles([file], clock);
  return {
    ring: () => ring,
    async look(signal) {
      if (file === undefined || !(await files?.look(signal))?.changed.has(file)) return;
      const lines = tokenKeyLines(files?.textOf(file) ?? "");
      if (!lines) return log.warn({ file }, "the file of token keys holds no keys, the last good ones stay in use");
      const before = ring.sealing.id;
      ring = ringOf(lines);
      if (ring.sealing.id !== before) log.info({ keys: lines.length }, "tokens are sealed with another key from now on");
    },
  };
}

function ringOf(lines: readonly string[]): KeyRing {
  return createKeyRing(lines.map((line) => Buffer.from(line, /^[0-9a-f]{64}$/i.test(line) ? "hex" : "base64")));
}
