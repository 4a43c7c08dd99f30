import { readFileSync } from "node:fs";
import { connect } from "node:tls";
import type { TLSSocket } from "node:tls";
import { type TestBench, support, xoauth2 } from "../sandbox.fixture.ts";

/** A POP3 connection without any client library between the test and the wire. Bytes are latin1. */
export class RawPop3 {
  readonly #socket: TLSSocket;
  #text = "";
  #isClosed = false;
  #wake: (() => void) | undefined;
  /** What came, piece by piece as TLS handed it on. */
  readonly records: string[] = [];
  /** How the connection ended: an error's code, or `end`. */
  readonly ended: Promise<string>;

  constructor({ sandbox }: TestBench) {
    const { host, port } = sandbox.pop3;
    this.#socket = connect({ host, port, servername: host, ca: readFileSync(sandbox.caFile) });
    this.#socket.on("data", (chunk: Buffer) => {
      this.records.push(chunk.toString("latin1"));
      this.#text += chunk.toString("latin1");
      this.#wake?.();
    });
    this.ended = new Promise((resolve) => {
      this.#socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      this.#socket.on("close", () => {
        this.#isClosed = true;
        this.#wake?.();
        resolve("end");
      });
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Without CR LF at its end, if it has none. */
  write(text: string): void {
    this.#socket.write(text);
  }

  send(line: string): void {
    this.write(`${line}\r\n`);
  }

  /** A line, or undefined when the server has closed. */
  async line(): Promise<string | undefined> {
    return (await this.#upTo("\r\n"))?.slice(0, -2);
  }

  /** Everything until the server closes. */
  async rest(): Promise<string> {
    while (!this.#isClosed) await this.#wait();
    return this.#text.slice(0);
  }

  /** The status line of the answer. */
  async ask(line: string): Promise<string | undefined> {
    this.send(line);
    return await this.line();
  }

  /** The lines of an answer of many, without the last one; undefined where it was refused. */
  async lines(line: string): Promise<readonly string[] | undefined> {
    const status = await this.ask(line);
    if (status?.startsWith("+OK") !== true) return undefined;
    const lines: string[] = [];
    for (let next = await this.line(); next !== undefined && next !== "."; next = await this.line()) lines.push(next);
    return lines;
  }

  /** A message as it was sent, unstuffed. */
  async message(command: string): Promise<Buffer> {
    const lines = (await this.lines(command)) ?? [];
    return Buffer.from(lines.map((line) => `${line.startsWith(".") ? line.slice(1) : line}\r\n`).join(""), "latin1");
  }

  /** Undefined if nothing comes within this time. */
  async lineWithin(ms: number): Promise<string | undefined> {
    return await Promise.race([this.line(), new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), ms))]);
  }

  async #upTo(end: string): Promise<string | undefined> {
    for (;;) {
      const at = this.#text.indexOf(end);
      if (at >= 0) {
        const found = this.#text.slice(0, at + end.length);
        this.#text = this.#text.slice(at + end.length);
        return found;
      }
      if (this.#isClosed) return undefined;
      await this.#wait();
    }
  }

  async #wait(): Promise<void> {
    await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

/** A connection that has been greeted. */
export async function greeted(bench: TestBench): Promise<RawPop3> {
  const raw = new RawPop3(bench);
  await raw.line();
  return raw;
}

/** The answer to AUTH XOAUTH2 in two lines. */
export async function login(bench: TestBench, user = support): Promise<{ raw: RawPop3; answer: string | undefined }> {
  const raw = await greeted(bench);
  const tenant = bench.sandbox.tenants.find(({ addresses }) => addresses.includes(user))?.alias ?? "contoso";
  const token = await bench.token(tenant);
  await raw.ask("AUTH XOAUTH2");
  return { raw, answer: await raw.ask(xoauth2(user, token)) };
}

export async function loggedIn(bench: TestBench, user = support): Promise<RawPop3> {
  const { raw, answer } = await login(bench, user);
  if (answer !== "+OK User successfully authenticated.") throw new Error(`login refused: ${String(answer)}`);
  return raw;
}
