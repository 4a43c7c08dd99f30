import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** How a connection breaks: an orderly end, a reset, or bytes that go nowhere. */
export type BreakForm = "end" | "reset" | "silence";

interface Break {
  /** Still to be sent before. */
  left: number;
  readonly form: BreakForm;
  readonly lastWords: Buffer;
  readonly onBreak: () => void;
}

interface Drip {
  readonly bytes: number;
  readonly everyMs: number;
  readonly waiting: Buffer[];
  timer: NodeJS.Timeout | undefined;
}

/** Dripped bytes may pile up to this before whoever makes them has to wait. */
const mostDripped = 256 * 1024;

/** Between the last byte and a reset. */
const arriveMs = 10;

/** What is between the writer and the socket: it sends, or does to the bytes what was ordered. */
export class Wire {
  readonly #socket: TLSSocket;
  /** The connection below TLS, which alone can be reset. */
  readonly #tcp: Socket | undefined;
  #break: Break | undefined;
  #isDead = false;
  #drip: Drip | undefined;

  constructor(socket: TLSSocket, tcp: Socket | undefined) {
    this.#socket = socket;
    this.#tcp = tcp;
  }

  /** False where the reader is behind and `ready` is to be waited for. */
  write(bytes: Buffer): boolean {
    if (this.#isDead || !this.#socket.writable) return true;
    const cut = this.#break;
    if (cut === undefined || bytes.length < cut.left) {
      if (cut) cut.left -= bytes.length;
      return this.#send(bytes);
    }
    const last = Buffer.concat([bytes.subarray(0, cut.left), cut.lastWords]);
    this.#isDead = true;
    if (cut.form === "reset") this.#flushDrip([last], () => this.reset());
    else this.#send(last);
    cut.onBreak();
    return true;
  }

  /** True once bytes go nowhere any more. */
  get isDead(): boolean {
    return this.#isDead;
  }

  /** Breaks the connection after so many further bytes. */
  breakAfter(bytes: number, form: BreakForm, onBreak: () => void, lastWords = ""): void {
    this.#break = { left: bytes, form, onBreak, lastWords: Buffer.from(lastWords, "latin1") };
  }

  drip(bytes: number, everyMs: number): void {
    if (this.#drip) return;
    const drip: Drip = { bytes, everyMs, waiting: [], timer: undefined };
    this.#drip = drip;
    drip.timer = setInterval(() => this.#sendDrop(drip), everyMs);
    drip.timer.unref();
    this.#socket.once("close", () => clearInterval(drip.timer));
  }

  /** Nothing goes out any more. */
  silence(): void {
    this.#isDead = true;
  }

  /** What was sent before has time to arrive, because a reset may overtake it. Node crashes where a TLS callback is still on the stack. */
  reset(): void {
    this.#isDead = true;
    setTimeout(() => {
      if (this.#tcp && !this.#tcp.destroyed) this.#tcp.resetAndDestroy();
      setImmediate(() => this.#socket.destroy());
    }, arriveMs).unref();
  }

  /** Sends what is waiting, then says that no more will come. */
  end(): void {
    this.#flushDrip([]);
    this.#socket.end();
  }

  /** Resolves when all that was written is handed on: Node would put it and what comes next into one TLS record. */
  async endRecord(): Promise<void> {
    const socket = this.#socket;
    if (this.#isDead || !socket.writable || this.#drip) return;
    await new Promise<void>((resolve) => {
      socket.once("close", resolve);
      socket.write("", () => {
        socket.off("close", resolve);
        resolve();
      });
    });
  }

  get isBehind(): boolean {
    return this.#socket.writableNeedDrain || this.#drippedBytes() > mostDripped;
  }

  /** Resolves when the reader has caught up, or the connection ended. */
  async ready(): Promise<void> {
    const socket = this.#socket;
    while (!socket.destroyed && !this.#isDead && this.isBehind) {
      const drip = this.#drip;
      await new Promise<void>((resolve) => {
        const timer = drip && setTimeout(() => done(), drip.everyMs);
        const done = (): void => {
          clearTimeout(timer);
          socket.off("drain", done);
          socket.off("close", done);
          resolve();
        };
        socket.on("drain", done);
        socket.on("close", done);
      });
    }
  }

  #send(bytes: Buffer): boolean {
    if (!this.#drip) return this.#socket.write(bytes);
    this.#drip.waiting.push(bytes);
    return !this.isBehind;
  }

  #sendDrop(drip: Drip): void {
    const [first] = drip.waiting;
    if (!first || !this.#socket.writable) return;
    this.#socket.write(first.subarray(0, drip.bytes));
    if (first.length > drip.bytes) drip.waiting[0] = first.subarray(drip.bytes);
    else drip.waiting.shift();
  }

  #flushDrip(more: readonly Buffer[], then?: () => void): void {
    const all = Buffer.concat([...(this.#drip?.waiting.splice(0) ?? []), ...more]);
    if (all.length > 0 && this.#socket.writable) this.#socket.write(all, () => then?.());
    else then?.();
  }

  #drippedBytes(): number {
    return this.#drip?.waiting.reduce((sum, { length }) => sum + length, 0) ?? 0;
  }
}
