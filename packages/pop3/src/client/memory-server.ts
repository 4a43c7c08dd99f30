import { Duplex } from "node:stream";

/* For tests of this client: a connection without a socket, whose chunks are cut as a test wants them. */

/** What the server says, chunk by chunk: first without being asked, then once for each line of the client's. */
export type MemoryScript = readonly (readonly Uint8Array[])[];

export interface MemoryOptions {
  /** What happens after the last answer: nothing, a polite end, or a reset. */
  readonly ending?: "silence" | "end" | "reset";
  /** The client gets to work on each chunk before the next one comes. */
  readonly isApart?: boolean;
}

export interface MemoryServer {
  readonly stream: Duplex;
  /** Lines that the client sent, without CR LF. */
  readonly received: readonly string[];
}

export interface ScriptedMemory extends MemoryServer {
  /** It has something to say yet. */
  readonly isBusy: () => boolean;
}

export function memoryServer(script: MemoryScript, { ending = "silence", isApart = false }: MemoryOptions = {}): ScriptedMemory {
  const waiting: (() => void)[] = [];
  let isBusy = false;
  const work = (): void => {
    isBusy = true;
    setImmediate(() => {
      for (const step of waiting.splice(0, isApart ? 1 : waiting.length)) if (!stream.destroyed) step();
      if (waiting.length > 0) work();
      else isBusy = false;
    });
  };
  let said = 0;
  const say = (): void => {
    for (const chunk of script[said] ?? []) waiting.push(() => stream.push(Buffer.from(chunk)));
    said++;
    if (said === script.length && ending === "end") waiting.push(() => stream.push(null));
    if (said === script.length && ending === "reset") {
      waiting.push(() => stream.destroy(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })));
    }
    if (!isBusy) work();
  };
  const { received, write } = readLines(say);
  const stream = new Duplex({ read: () => undefined, write });
  say();
  return { stream, received, isBusy: () => isBusy };
}

/** A server that answers `before`, and goes on with the same bytes for ever after the last of it, as fast as it is read. */
export function endlessServer(before: readonly string[], chunk: Uint8Array): MemoryServer & { readonly sent: () => number } {
  let sent = 0;
  let said = 0;
  const pour = (): void => {
    for (let isWanted = said >= before.length; isWanted && !stream.destroyed;) {
      sent += chunk.length;
      isWanted = stream.push(Buffer.from(chunk));
    }
  };
  const say = (): void => {
    setImmediate(() => {
      if (stream.destroyed) return;
      const answer = before[said++];
      // Later commands make it no faster than it is read.
      if (answer === undefined) return;
      stream.push(bytes(answer));
      pour();
    });
  };
  const { received, write } = readLines(say);
  const stream = new Duplex({ read: pour, write });
  say();
  return { stream, received, sent: () => sent };
}

export function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

function readLines(onLine: () => void) {
  const received: string[] = [];
  let unread = "";
  return {
    received,
    write(chunk: Buffer, _encoding: string, done: () => void): void {
      const lines = (unread + chunk.toString("latin1")).split("\r\n");
      unread = lines.pop() ?? "";
      for (const line of lines) {
        received.push(line);
        onLine();
      }
      done();
    },
  };
}
