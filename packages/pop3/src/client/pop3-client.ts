import type { Duplex } from "node:stream";
import {
  listProblem,
  Pop3Capabilities,
  readListRow,
  readStat,
  readUidlRow,
  type ListRow,
  type MailboxStat,
  type UidlRow,
} from "./answers.ts";
import { Pop3Body } from "./body.ts";
import { CommandWindow, type CommandFor } from "./command-window.ts";
import { Dialogue } from "./dialogue.ts";
import { dial, type DialOptions } from "./dial.ts";
import { eachBody, type Pop3Item } from "./each-body.ts";
import { defaultPop3Limits, defaultPop3Timeouts, type Pop3Limits, type Pop3Timeouts } from "./limits.ts";
import { Pop3Error } from "./pop3-error.ts";
import { WholeMessages, type WholeItem } from "./whole-messages.ts";
import { Wire } from "./wire.ts";
import { xoauth2 } from "./xoauth2.ts";

export interface Pop3SessionOptions {
  readonly limits?: Partial<Pop3Limits> | undefined;
  readonly timeouts?: Partial<Pop3Timeouts> | undefined;
  /** Milliseconds that never go back; `performance.now()` when left out. */
  readonly clock?: { monotonic(): number } | undefined;
  /**
   * Sees every text of the server, raw, before it stands in an error. Servers echo what they were sent. When left out, runs of 32 and more
   * characters that could be a token are masked.
   */
  readonly scrub?: ((text: string) => string) | undefined;
  /** Ends the connection at once. */
  readonly signal?: AbortSignal | undefined;
}

export interface Pop3ClientOptions extends DialOptions, Pop3SessionOptions {}

/**
 * A POP3 connection (RFC 1939, 2449, 5034) for reading a mailbox with a bearer token. Strict: what the server sends is what POP3 allows,
 * within limits and in time, or the connection ends with one {@link Pop3Error}. One command at a time; a second one meanwhile is `usage`.
 */
export class Pop3Client {
  readonly #wire: Wire;
  readonly #dialogue: Dialogue;
  readonly #limits: Pop3Limits;
  readonly #scrub: (text: string) => string;
  #greeting = "";
  #capabilities = new Pop3Capabilities([]);
  #hasCapabilities = false;
  #count: number | undefined;

  private constructor(stream: Duplex, options: Pop3SessionOptions) {
    this.#limits = { ...defaultPop3Limits, ...options.limits };
    this.#scrub = options.scrub ?? maskRuns;
    this.#wire = new Wire(stream, {
      limits: this.#limits,
      timeouts: { ...defaultPop3Timeouts, ...options.timeouts },
      clock: options.clock ?? { monotonic: () => performance.now() },
      scrub: this.#scrub,
      signal: options.signal,
    });
    this.#dialogue = new Dialogue(this.#wire, this.#limits, this.#scrub);
  }

  /** Connects, reads the greeting, and asks what the server offers. @throws Pop3Error */
  static async connect(options: Pop3ClientOptions): Promise<Pop3Client> {
    if (options.signal?.aborted === true) throw new Pop3Error({ kind: "aborted", during: "connect", isOver: true });
    const { socket, readyEvent } = dial(options);
    const client = new Pop3Client(socket, options);
    await client.#wire.ready(readyEvent, options.timeouts?.connectMs ?? defaultPop3Timeouts.connectMs);
    return client.#begin(options);
  }

  /** The same over a connection that stands already, and is this client's from now on. @throws Pop3Error */
  static async over(stream: Duplex, options: Pop3SessionOptions = {}): Promise<Pop3Client> {
    return new Pop3Client(stream, options).#begin(options);
  }

  /** The server's words behind its first +OK, scrubbed. */
  get greeting(): string {
    return this.#greeting;
  }

  /** What the server offered before the login; nothing where it does not know CAPA. */
  get capabilities(): Pop3Capabilities {
    return this.#capabilities;
  }

  /** What ended the connection, if it is over; the server's last words are in its `text`. */
  get ended(): Pop3Error | undefined {
    return this.#dialogue.ended;
  }

  /**
   * Logs in: `AUTH XOAUTH2`, the server's `+`, then user and token in one line of base64. Neither shows in any error.
   * @throws Pop3Error `refused` when the server does not take them
   */
  async authenticate(user: string, token: string): Promise<void> {
    await this.#dialogue.run("AUTH", async () => {
      const response = xoauth2(user, token);
      if (response === undefined) throw this.#dialogue.usage("AUTH", "argument");
      if (this.#hasCapabilities && !this.#capabilities.sasl.includes("XOAUTH2")) {
        throw this.#wire.error({ kind: "unsupported", problem: "no-xoauth2", isOver: false });
      }
      const invitation = await this.#dialogue.ask("AUTH XOAUTH2");
      if (invitation.status !== "challenge") throw this.#dialogue.unexpected(invitation);
      const answer = await this.#dialogue.ask(response);
      // An error challenge, as Google and Dovecot send it: an empty line, and the -ERR comes.
      const verdict = answer.status === "challenge" ? await this.#dialogue.ask("") : answer;
      if (verdict.status !== "ok" || answer.status === "challenge") throw this.#dialogue.unexpected(verdict);
    });
  }

  /** @throws Pop3Error */
  async stat(): Promise<MailboxStat> {
    return await this.#dialogue.run("STAT", async () => {
      const stat = readStat(await this.#dialogue.expectOk("STAT"));
      if (stat === undefined) throw this.#wire.violate("protocol", "stat");
      this.#count = stat.messages;
      return stat;
    });
  }

  /** The ids of all messages, or of one. Numbers rise, ids differ, and after `stat` there are at most as many as it said. @throws Pop3Error */
  uidl(): Promise<readonly UidlRow[]>;
  uidl(number: number): Promise<UidlRow>;
  async uidl(number?: number): Promise<readonly UidlRow[] | UidlRow> {
    return number === undefined ? await this.#list("UIDL", readUidlRow) : await this.#listOne("UIDL", number, readUidlRow);
  }

  /** The sizes of all messages, or of one. @throws Pop3Error */
  list(): Promise<readonly ListRow[]>;
  list(number: number): Promise<ListRow>;
  async list(number?: number): Promise<readonly ListRow[] | ListRow> {
    return number === undefined ? await this.#list("LIST", readListRow) : await this.#listOne("LIST", number, readListRow);
  }

  /** The header and the first `lines` lines of the body. @throws Pop3Error */
  async top(number: number, lines: number): Promise<Pop3Body> {
    return await this.#fetch(number, topCommand(lines));
  }

  /** A message. @throws Pop3Error `refused` when there is none, or it cannot be given */
  async retr(number: number): Promise<Pop3Body> {
    return await this.#fetch(number, retrCommand);
  }

  /**
   * Messages in the order of their numbers' appearance, several under way at once where the server allows: each time all that have come in
   * the meantime, one or more. While they are not taken, no more than `aheadBytes` of those behind them is read.
   * @param maxBytes of one message; a longer one ends the connection
   * @throws Pop3Error
   */
  retrWhole(numbers: Iterable<number>, maxBytes = Infinity): AsyncGenerator<readonly WholeItem[], void, void> {
    const { messageBytes, drainBytes } = this.#limits;
    const window = this.#window(numbers, retrCommand);
    return new WholeMessages({ dialogue: this.#dialogue, window, maxBytes: Math.min(maxBytes, messageBytes), drainBytes }).items();
  }

  /**
   * The headers and first lines of messages, in the order of their numbers' appearance, several under way at once where the server allows.
   * A body that is not read before the next item is asked for is discarded.
   * @throws Pop3Error
   */
  topEach(numbers: Iterable<number>, lines: number): AsyncGenerator<Pop3Item, void, void> {
    return eachBody(this.#dialogue, this.#window(numbers, topCommand(lines)), this.#limits);
  }

  /** @throws Pop3Error */
  async noop(): Promise<void> {
    await this.#dialogue.run("NOOP", async () => void (await this.#dialogue.expectOk("NOOP")));
  }

  /** @throws Pop3Error */
  async rset(): Promise<void> {
    await this.#dialogue.run("RSET", async () => void (await this.#dialogue.expectOk("RSET")));
  }

  /** Says goodbye, and closes whatever the answer is. Exchange marks what was retrieved as read now. @throws Pop3Error */
  async quit(): Promise<void> {
    try {
      await this.#dialogue.run("QUIT", async () => void (await this.#dialogue.expectOk("QUIT")));
    } finally {
      this.close();
    }
  }

  /** Ends the connection at once, without QUIT. Never throws. */
  close(): void {
    this.#wire.end({ kind: "closed" });
  }

  async #begin(options: Pop3SessionOptions): Promise<this> {
    try {
      await this.#dialogue.run("greeting", async () => {
        this.#wire.begin("greeting", options.timeouts?.greetingMs ?? defaultPop3Timeouts.greetingMs);
        const greeting = await this.#dialogue.answer();
        if (greeting.status !== "ok") throw this.#dialogue.unexpected(greeting);
        this.#greeting = this.#scrub(greeting.text);
      });
      await this.#dialogue.run("CAPA", async () => {
        const answer = await this.#dialogue.ask("CAPA");
        if (answer.status === "refused") {
          const refusal = this.#dialogue.refusal(answer);
          if (refusal.isOver) throw refusal;
          return;
        }
        if (answer.status !== "ok") throw this.#dialogue.unexpected(answer);
        this.#capabilities = new Pop3Capabilities(await this.#dialogue.lines());
        this.#hasCapabilities = true;
      });
      return this;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #list<T extends { readonly number: number; readonly uidl?: string }>(
    verb: "UIDL" | "LIST",
    read: (line: string) => T | undefined,
  ): Promise<readonly T[]> {
    return await this.#dialogue.run(verb, async () => {
      await this.#dialogue.expectOk(verb);
      const rows: T[] = [];
      for (const line of await this.#dialogue.lines()) {
        const row = read(line);
        if (row === undefined) throw this.#wire.violate("protocol", "list-line");
        rows.push(row);
      }
      const problem = listProblem(rows, this.#count);
      if (problem !== undefined) throw this.#wire.violate("protocol", problem);
      return rows;
    });
  }

  async #listOne<T extends { readonly number: number }>(
    verb: "UIDL" | "LIST",
    number: number,
    read: (text: string) => T | undefined,
  ): Promise<T> {
    const command = `${verb} ${number}`;
    return await this.#dialogue.run(verb, async () => {
      if (!isNumber(number)) throw this.#dialogue.usage(verb, "argument");
      this.#wire.begin(command);
      const row = read(await this.#dialogue.expectOk(command));
      if (row === undefined) throw this.#wire.violate("protocol", "list-line");
      if (row.number !== number) throw this.#wire.violate("protocol", "list-numbers");
      return row;
    });
  }

  async #fetch(number: number, commandFor: CommandFor): Promise<Pop3Body> {
    const command = commandFor(number);
    if (command === undefined) throw this.#dialogue.usage("a message", "argument");
    this.#dialogue.enter(command);
    try {
      await this.#dialogue.expectOk(command);
    } catch (error) {
      this.#dialogue.leave();
      throw error;
    }
    const { messageBytes, drainBytes } = this.#limits;
    return new Pop3Body({ wire: this.#wire, messageBytes, drain: { left: drainBytes }, onEnd: () => this.#dialogue.leave() });
  }

  #window(numbers: Iterable<number>, commandFor: CommandFor): CommandWindow {
    return new CommandWindow(this.#dialogue, numbers, commandFor, this.#capabilities.pipelining ? this.#limits.pipelined : 1);
  }
}

const retrCommand: CommandFor = (number) => (isNumber(number) ? `RETR ${number}` : undefined);

function topCommand(lines: number): CommandFor {
  return (number) =>
    isNumber(number) && Number.isInteger(lines) && lines >= 0 && lines <= numberAtMost ? `TOP ${number} ${lines}` : undefined;
}

const numberAtMost = 2_147_483_647;

/** Only whole numbers go into a command, so that no text can (T40). */
function isNumber(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= numberAtMost;
}

/** Long runs of the characters that tokens and base64 are made of. */
function maskRuns(text: string): string {
  return text.replace(/[\w+/=.~-]{32,}/g, "[masked]");
}
