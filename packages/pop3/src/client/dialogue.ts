import { readStatusLine, responseCodeOf, type StatusLine } from "./answers.ts";
import type { Pop3Limits } from "./limits.ts";
import { isPop3Error, Pop3Error, type Pop3Problem } from "./pop3-error.ts";
import type { Wire } from "./wire.ts";

/** Lines that a server may add when it hangs up; Exchange adds one. */
const lastWordsAtMost = 4;

/** Commands and their answers on a wire, one caller at a time; what comes unasked, and what servers add to a refusal. */
export class Dialogue {
  readonly wire: Wire;
  readonly #limits: Pop3Limits;
  readonly #scrub: (text: string) => string;
  #running: string | undefined;
  /** A line that was read to see whether it belongs to the answer before it, and did not. */
  #ahead: Buffer | undefined;
  /** Answers that are still to come. */
  #owed = 0;
  #wasRefused = false;

  constructor(wire: Wire, limits: Pop3Limits, scrub: (text: string) => string) {
    this.wire = wire;
    this.#limits = limits;
    this.#scrub = scrub;
  }

  /** What ended the connection, if it is over; the server's last words are in its `text`. */
  get ended(): Pop3Error | undefined {
    if (this.#running === undefined && !this.wire.isQuiet) this.#readUnasked();
    return this.wire.ended;
  }

  /** Sends lines whose answers are asked for one by one. */
  send(lines: readonly string[]): void {
    this.#owed += lines.length;
    this.wire.write(lines.map((line) => `${line}\r\n`).join(""));
  }

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.enter(name);
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  enter(name: string): void {
    if (this.#running !== undefined) throw this.usage(name, "busy");
    // Before the greeting nothing is unasked: it is what has come, and the server may have hung up after it.
    const ended = name === "greeting" ? undefined : this.ended;
    if (ended !== undefined) throw ended;
    this.#running = name;
    this.wire.begin(name);
  }

  leave(): void {
    this.#running = undefined;
    this.#owed = 0;
    this.wire.begin("idle");
  }

  usage(during: string, problem: Pop3Problem): Pop3Error {
    return new Pop3Error({ kind: "usage", during, problem, isOver: false });
  }

  /** Bytes that came while nothing was asked: the server's last words (idle too long, token expired, three errors), or a violation. */
  #readUnasked(): void {
    const words: string[] = [];
    try {
      for (let line = this.wire.takeLine(); line !== undefined && words.length < lastWordsAtMost; line = this.wire.takeLine()) {
        words.push(this.#wordsOf(line) ?? "");
      }
    } catch (error) {
      if (!isPop3Error(error)) throw error;
      return;
    }
    if (words.includes("")) this.wire.violate("protocol", "unasked");
    else if (words.length > 0) this.wire.end({ kind: "closed", text: words.join(" / ") });
    // A piece of a line: of last words, if there are any to be expected.
    else if (this.#wasRefused) this.wire.end({ kind: "closed" });
    else this.wire.violate("protocol", "unasked");
  }

  /** The words of a line that announces an end: any -ERR that nobody asked for, or what Exchange adds without a prefix. */
  #wordsOf(line: Buffer): string | undefined {
    const status = readStatusLine(line);
    if (status?.status === "refused") return this.#scrub(status.text);
    return status === undefined && this.#wasRefused && isParting(line.toString("utf8")) ? this.#scrub(line.toString("utf8")) : undefined;
  }

  async ask(line: string): Promise<StatusLine> {
    this.send([line]);
    return await this.answer();
  }

  async expectOk(line: string): Promise<string> {
    const answer = await this.ask(line);
    if (answer.status !== "ok") throw this.unexpected(answer);
    return answer.text;
  }

  /** @throws Pop3Error */
  async answer(): Promise<StatusLine> {
    for (;;) {
      const answer = this.takeAnswer();
      if (answer !== undefined) return answer;
      await this.wire.more();
    }
  }

  /** The answer that is waited for, if its line is here. @throws Pop3Error */
  takeAnswer(): StatusLine | undefined {
    const line = this.#ahead ?? this.wire.takeLine();
    if (line === undefined) return undefined;
    this.#ahead = undefined;
    this.#owed--;
    const answer = readStatusLine(line);
    if (answer !== undefined) return answer;
    const words = this.#wordsOf(line);
    if (words !== undefined) throw this.wire.end({ kind: "closed", text: words });
    throw this.wire.violate("protocol", "status-line", this.#scrub(line.toString("utf8")));
  }

  unexpected(answer: StatusLine): Pop3Error {
    if (answer.status === "refused") return this.refusal(answer);
    return this.wire.violate("protocol", answer.status === "challenge" ? "challenge" : "status-line");
  }

  /**
   * A -ERR, with what belongs to it: after the third one Exchange adds `Connection is closed. 21` without a prefix, on a failover
   * `-ERR Connection is closed. 22`. Where that has not come yet, the next command says it.
   */
  refusal(answer: Extract<StatusLine, { status: "refused" }>): Pop3Error {
    this.#wasRefused = true;
    const own = this.#scrub(answer.text);
    const texts = [own];
    let isOver = isParting(answer.text);
    for (let line = this.wire.takeLine(); line !== undefined; line = this.wire.takeLine()) {
      const words = texts.length > lastWordsAtMost ? undefined : this.#wordsOf(line);
      if (words === undefined || (this.#owed > 0 && !isParting(words))) {
        this.#ahead = line;
        break;
      }
      texts.push(words);
      isOver = true;
    }
    const text = texts.join(" / ");
    if (isOver) this.wire.end({ kind: "closed", text });
    else if (this.#ahead !== undefined && this.#owed === 0) this.wire.violate("protocol", "unasked");
    return this.wire.error({
      kind: "refused",
      text,
      // From what was scrubbed: a server can put into brackets what it likes.
      responseCode: responseCodeOf(own),
      isOver: this.wire.ended !== undefined,
    });
  }

  /** The lines of a list, unstuffed. @throws Pop3Error */
  async lines(): Promise<readonly string[]> {
    const { listLines, listBytes } = this.#limits;
    const lines: string[] = [];
    let bytes = 0;
    for (;;) {
      const taken = this.wire.takeLine();
      if (taken === undefined) {
        await this.wire.more();
        continue;
      }
      const line = taken.toString("latin1");
      if (line === ".") return lines;
      bytes += line.length + 2;
      if (bytes > listBytes) throw this.wire.violate("limit", "list-bytes");
      if (lines.length === listLines) throw this.wire.violate("limit", "list-lines");
      lines.push(line.startsWith(".") ? line.slice(1) : line);
    }
  }
}

/** The words of servers that hang up. */
function isParting(text: string): boolean {
  return /connection (?:is |was )?clos|closing connection|session invalidated|disconnected/i.test(text);
}
