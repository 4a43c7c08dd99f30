import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { isForSomebody, type FaultTarget } from "../faults/fault-spec.ts";
import { ResponseWriter } from "./response-writer.ts";
import type { MailServices } from "./services.ts";
import { type BreakForm, Wire } from "./wire.ts";

/** Cuts what a client sends into pieces that a session understands: a line, a command. */
export interface PieceReader<Piece> {
  push(chunk: Buffer): void;
  /** Undefined: there is no whole one yet. */
  take(): Piece | undefined;
  /** So much is waiting that no more is read for now. */
  readonly isFull: boolean;
}

export interface ConnectionOptions<Piece> {
  readonly socket: TLSSocket;
  /** The connection below TLS, where it is known. */
  readonly tcp: Socket | undefined;
  readonly services: MailServices;
  readonly reader: PieceReader<Piece>;
  /** The last line where nobody said anything for too long. */
  readonly idleLine: string;
  /** Called once, however it ends. */
  readonly onEnd: () => void;
}

const loginTimeoutMs = 60_000;
const idleTimeoutMs = 30 * 60_000;
/** A client that never closes its side must not keep the connection. */
const lingerMs = 2_000;

/** One TLS connection of a mail server: what comes in by pieces, what goes out by lines, and how it ends, in order or as a fault has it. */
export class Connection<Piece> {
  readonly writer: ResponseWriter;
  readonly #options: ConnectionOptions<Piece>;
  readonly #wire: Wire;
  #wake: (() => void) | undefined;
  #isClosed = false;

  constructor(options: ConnectionOptions<Piece>) {
    this.#options = options;
    this.#wire = new Wire(options.socket, options.tcp);
    this.writer = new ResponseWriter(this.#wire);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Greets; false where it came to nothing. The greeting is made when its time has come. */
  async open(greeting: () => string): Promise<boolean> {
    const { socket, reader, services, idleLine } = this.#options;
    socket.setNoDelay(true);
    socket.setTimeout(loginTimeoutMs, () => this.end(idleLine));
    socket.on("data", (chunk: Buffer) => {
      reader.push(chunk);
      if (reader.isFull) socket.pause();
      this.#wake?.();
    });
    socket.on("close", () => {
      this.#leave();
      this.#wake?.();
    });
    const { faults, sleep } = services;
    const early = faults.strike("close-after-connect", {}, (fault) => fault.word("at") === "tls");
    if (early?.flag("reset")) {
      this.#wire.reset();
      await this.fallSilent();
    } else if (early) this.end();
    if (faults.strike("greeting-none", {})) await this.fallSilent();
    const late = faults.strike("greeting-late", {});
    if (late) await sleep(late.number("ms"));
    if (this.isClosed) return false;
    this.arm({}, "connection");
    this.writer.line(greeting());
    this.writer.flush();
    return true;
  }

  /** The next piece that the client sent; undefined when the connection ended. */
  async take(): Promise<Piece | undefined> {
    const { reader, socket } = this.#options;
    while (!this.isClosed) {
      const piece = reader.take();
      if (piece !== undefined) return piece;
      if (socket.isPaused()) socket.resume();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return undefined;
  }

  /** Makes ready the faults that strike at a byte or at each of them. */
  arm(place: FaultTarget, where: "connection" | "session"): void {
    const { faults } = this.#options.services;
    const reset = faults.strike("reset", place, (fault) => fault.word("where") === where);
    if (reset) this.breakAfter(reset.number("bytes"), reset.flag("reset") ? "reset" : "end");
    const drip = faults.strike("drip", place, (fault) => where === "connection" || isForSomebody(fault));
    if (drip) this.#wire.drip(drip.number("bytes"), drip.number("everyMs"));
  }

  /** How long a connection without a byte is kept. */
  keepWhileIdle(ms = idleTimeoutMs): void {
    this.#options.socket.setTimeout(ms);
  }

  /** Sends what there is, and resolves when the next bytes will be in a TLS record of their own. */
  async endRecord(): Promise<void> {
    this.writer.flush();
    await this.#wire.endRecord();
  }

  /** Breaks the connection after so many bytes more than are written now. */
  breakAfter(bytes: number, form: BreakForm, lastWords?: string): void {
    this.writer.flush();
    this.#wire.breakAfter(bytes, form, () => (form === "end" ? this.end() : undefined), lastWords);
  }

  /** Nothing is said any more; returns when the client has given up. */
  async fallSilent(): Promise<void> {
    const { socket } = this.#options;
    this.writer.flush();
    this.#wire.silence();
    socket.setTimeout(0);
    if (!socket.closed) await new Promise<void>((resolve) => socket.once("close", () => resolve()));
  }

  /** Says goodbye and closes; safe to call twice. */
  end(line?: string): void {
    if (this.#isClosed) return;
    if (line !== undefined) this.writer.line(line);
    this.writer.flush();
    this.#leave();
    this.#wire.end();
    setTimeout(() => this.#options.socket.destroy(), lingerMs).unref();
    this.#wake?.();
  }

  #leave(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.onEnd();
  }
}
