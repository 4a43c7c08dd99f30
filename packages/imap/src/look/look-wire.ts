import { connect as connectPlain, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import { classifyImap, isSyncError, syncError, type ErrorFacts, type SyncError } from "@mailfleet/core";
import { errorFacts, localFacts } from "../error-facts.ts";
import type { ImapEndpoint } from "../flow-options.ts";
import type { TlsBeginning, TlsMemory } from "../tls-memory.ts";
import { AnswerLines, type AnswerLine } from "./answer-lines.ts";

export interface LookWireOptions {
  readonly endpoint: ImapEndpoint;
  readonly lookUp: LookupFunction;
  readonly tlsMemory: TlsMemory | undefined;
  readonly scrub: (text: string) => string;
  readonly signal: AbortSignal;
}

/** Names and numbers of a STATUS answer, and what a server says of itself: far less than this. */
const lineBytes = 16 * 1024;

/** The lines of one short connection. It ends at once and with one cause, whatever goes wrong, and says nothing to the server when it does. */
export class LookWire {
  readonly #options: LookWireOptions;
  readonly #socket: Socket;
  readonly #begun: TlsBeginning | undefined;
  readonly #lines = new AnswerLines(lineBytes);
  readonly #onAbort = (): void => void this.end(this.#abortError());
  #ended: SyncError | undefined;
  /** Nothing was wrong, and what the socket still says is heard by nobody. */
  #isOver = false;
  #isReady = false;
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What is going on, for the facts of a failure. */
  phase: NonNullable<ErrorFacts["phase"]> = "connect";
  folder: string | undefined;

  constructor(options: LookWireOptions) {
    this.#options = options;
    const { endpoint, lookUp, signal } = options;
    const to = { host: endpoint.host, port: endpoint.port, lookup: lookUp, noDelay: true };
    this.#begun = endpoint.tls ? options.tlsMemory?.begin(endpoint) : undefined;
    const trust = this.#begun?.options ?? { minVersion: "TLSv1.2" as const, ...(endpoint.ca !== undefined && { ca: endpoint.ca }) };
    // SNI: Node sends the name only where it is given, and an address is none.
    const name = isIP(endpoint.host) === 0 ? { servername: endpoint.host } : {};
    this.#socket = endpoint.tls ? connectTls({ ...to, ...name, rejectUnauthorized: true, ...trust }) : connectPlain(to);
    this.#socket.once(endpoint.tls ? "secureConnect" : "connect", () => {
      this.#isReady = true;
      this.#wake?.();
    });
    this.#socket.on("data", (chunk: Buffer) => {
      this.#lines.push(chunk);
      this.#wake?.();
    });
    this.#socket.on("error", (error: unknown) => {
      if (!this.#isOver) this.end(this.#toSyncError(error));
    });
    this.#socket.on("close", () => {
      // An error has a stack, which costs more than a login's worth of parsing: none is made for the usual end.
      if (!this.#isOver) this.end(this.#toSyncError({ code: "NoConnection" }));
    });
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** From now on the server has so long, whatever it sends meanwhile. */
  stage(limitMs: number, code: "CONNECT_TIMEOUT" | "GREETING_TIMEOUT" | "Silent", text: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.violate(code, text), limitMs);
  }

  /** Resolves once the connection stands and is trusted. @throws SyncError */
  async ready(): Promise<void> {
    while (!this.#isReady) await this.#more();
  }

  send(lines: readonly string[]): void {
    if (this.#ended === undefined) this.#socket.write(lines.map((line) => `${line}\r\n`).join(""), "latin1");
  }

  /** @throws SyncError */
  async line(): Promise<AnswerLine> {
    for (;;) {
      const line = this.#lines.take();
      if (line === "too-long") throw this.violate("LineTooLarge", "The server sent a line that is too long");
      if (line !== undefined && this.#ended === undefined) return line;
      await this.#more();
    }
  }

  /** Ends the connection because of what the server did, by one of this package's own codes. */
  violate(code: string, text: string): SyncError {
    return this.end(toError(localFacts(code, text, this.#context())));
  }

  /** Ends it because of what the server said. A tagged answer may be followed by the end of the connection: it is the cause all the same. */
  refuse(status: "NO" | "BAD" | "BYE", text: string): SyncError {
    const [whole, responseCode] = /^\[([A-Z][A-Z0-9-]*)(?: [^\]]*)?\] ?/i.exec(text) ?? ["", undefined];
    const said = { responseStatus: status, responseText: text.slice(whole.length), serverResponseCode: responseCode };
    return this.end(this.#toSyncError(said));
  }

  end(failure: SyncError): SyncError {
    if (this.#ended !== undefined) return this.#ended;
    this.#ended = failure;
    if (this.phase === "connect") this.#begun?.forget();
    this.#leave();
    this.#wake?.();
    return failure;
  }

  /** It is over and nothing was wrong. */
  close(): void {
    if (this.#ended !== undefined) return;
    this.#isOver = true;
    if (this.#socket instanceof TLSSocket) this.#begun?.keep(this.#socket);
    this.#leave();
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#socket.destroy();
  }

  async #more(): Promise<void> {
    this.#throwIfEnded();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
    this.#throwIfEnded();
  }

  #throwIfEnded(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }

  #abortError(): SyncError {
    const reason: unknown = this.#options.signal.reason;
    if (isSyncError(reason)) return reason;
    return syncError("INTERRUPTED", "The work on the mailbox was stopped", { layer: "imap", phase: this.phase });
  }

  #toSyncError(error: unknown): SyncError {
    return toError(errorFacts(error, this.#context()));
  }

  #context(): Parameters<typeof errorFacts>[1] {
    return { phase: this.phase, folder: this.folder, scrub: this.#options.scrub };
  }
}

function toError(facts: ErrorFacts): SyncError {
  const { code, message } = classifyImap(facts);
  return syncError(code, message, facts);
}
