import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ActiveFault, FaultTarget } from "../faults/fault-spec.ts";
import { admitCommand, type AdmittingSession } from "../mail/admit-command.ts";
import { Connection } from "../mail/connection.ts";
import type { MailSession } from "../mail/mail-server.ts";
import { Occupancy } from "../mail/occupancy.ts";
import type { ResponseWriter } from "../mail/response-writer.ts";
import { type BudgetPlace, Spending } from "../mail/server-budget.ts";
import type { MailServices } from "../mail/services.ts";
import type { BreakForm } from "../mail/wire.ts";
import type { Mailbox } from "../store/mail-store.ts";
import type { CommandEntry, CommandTable } from "./command-table.ts";
import { LineReader, type Pop3Line } from "./line-reader.ts";
import { Maildrop } from "./maildrop.ts";
import {
  badArgument,
  failover,
  notAscii,
  notConnected,
  refusalReply,
  type Reply,
  thirdStrikeLine,
  tooLong,
  unavailable,
  unknownCommand,
  wrongState,
} from "./reply.ts";

/** Where a session stands. `refused`: the front end took the token, the mailbox behind it did not (field guide 2.2). */
export type SessionState = "greeted" | "refused" | "authenticated" | "closed";

const strikesToClose = 3;
const filler = Buffer.alloc(64 * 1024, "x");

/** One connection: reads commands one after the other, keeps the state and the list of messages, counts strikes, and writes the answers. */
export class Pop3Session implements MailSession, AdmittingSession {
  readonly services: MailServices;
  readonly writer: ResponseWriter;
  readonly occupancy: Occupancy;
  /** Counts the connections of a sandbox; what differs from one to the next follows from it. */
  readonly number: number;
  /** USER was said: PASS may follow. */
  user: string | undefined;
  readonly #connection: Connection<Pop3Line>;
  readonly #reader = new LineReader();
  readonly #commands: CommandTable;
  #state: SessionState = "greeted";
  #strikes = 0;
  #spending: Spending | undefined;
  #maildrop: Maildrop | undefined;

  /** @param tcp the connection below TLS, where it is known */
  constructor(socket: TLSSocket, tcp: Socket | undefined, number: number, services: MailServices, commands: CommandTable) {
    const idleLine = "-ERR Connection is closed. 12";
    this.#connection = new Connection({ socket, tcp, services, reader: this.#reader, idleLine, onEnd: () => this.#leave() });
    this.number = number;
    this.services = services;
    this.occupancy = new Occupancy(services);
    this.#commands = commands;
    this.writer = this.#connection.writer;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Whose messages they are, for faults; without a mailbox before a login. */
  get place(): FaultTarget {
    return { ...this.occupancy.place, folder: "INBOX" };
  }

  /** Only where the command table demands a login. */
  get mailbox(): Mailbox {
    const { mailbox } = this.occupancy;
    if (!mailbox) throw new Error("no mailbox is open in this session");
    return mailbox;
  }

  /** The list of messages, taken when it is first asked for. */
  get maildrop(): Maildrop {
    this.#maildrop ??= new Maildrop({ services: this.services, mailbox: this.mailbox, place: this.occupancy.place ?? {} });
    return this.#maildrop;
  }

  /** Undefined where no message was asked for yet. */
  get maildropSoFar(): Maildrop | undefined {
    return this.#maildrop;
  }

  /** What the running command costs; undefined where nobody counts. */
  get spending(): Spending | undefined {
    return this.#spending;
  }

  async run(): Promise<void> {
    const name = Buffer.from(this.services.frontEnd, "utf16le").toString("base64");
    if (!(await this.#connection.open(() => `+OK The Microsoft Exchange POP3 service is ready. [${name}]`))) return;
    for (let line = await this.#connection.take(); line !== undefined; line = await this.#connection.take()) {
      if (line.kind === "too-long") this.say(tooLong);
      else await this.#handle(line.text);
      this.writer.flush();
    }
  }

  /** The answer to a SASL challenge; undefined when the connection ended. */
  async readSasl(challenge: string): Promise<string | undefined> {
    this.writer.line(`+ ${challenge}`);
    this.writer.flush();
    this.#reader.expectSasl(true);
    const line = await this.#connection.take();
    this.#reader.expectSasl(false);
    if (line?.kind !== "too-long") return line?.text;
    this.say(tooLong);
    return undefined;
  }

  /** The session gives the mailbox back when it ends. */
  logIn(mailbox: Mailbox | undefined, place: BudgetPlace, expiresAt: number): void {
    if (this.#isClosed()) {
      if (mailbox) this.services.store.giveBack(mailbox);
      return;
    }
    this.occupancy.enter(mailbox, place, expiresAt);
    this.#state = mailbox ? "authenticated" : "refused";
    this.keepWhileIdle(this.services.faults.holds("idle-timeout", place)?.number("ms"));
    this.#connection.arm(place, "session");
  }

  /** Says that the session is over for this reason; one that lingers takes commands on, and none of them is in place. */
  invalidate(reason: string, lingers = false): void {
    const line = `-ERR Session invalidated - ${reason}`;
    if (!lingers) return this.end(line);
    this.writer.line(line);
    this.writer.flush();
    this.#dropList();
    this.occupancy.forget();
    this.#state = "greeted";
  }

  /** POP3 has no time at which a server may speak without being asked. */
  lookAround(): void {}

  keepWhileIdle(ms?: number): void {
    this.#connection.keepWhileIdle(ms);
  }

  breakAfter(bytes: number, form: BreakForm, lastWords?: string): void {
    this.#connection.breakAfter(bytes, form, lastWords);
  }

  fallSilent(): Promise<void> {
    return this.#connection.fallSilent();
  }

  endRecord(): Promise<void> {
    return this.#connection.endRecord();
  }

  /** Sends what there is, then lets the time pass that was charged. */
  async passTime(): Promise<void> {
    if (!this.#spending) return;
    this.writer.flush();
    await this.#spending.pass();
  }

  end(line?: string): void {
    this.#connection.end(line);
  }

  /** Writes a command's answer, and what follows from it. */
  say(reply: Reply): void {
    switch (reply.kind) {
      case "sent":
        return;
      case "ok":
        this.writer.line(reply.text === undefined ? "+OK" : `+OK ${reply.text}`);
        return;
      case "err":
        this.writer.line(reply.isBare === true ? reply.text : `-ERR ${reply.text}`);
        if (reply.closes === true || reply.lastLine !== undefined) this.end(reply.lastLine);
        else if (reply.isStrike === true && ++this.#strikes >= strikesToClose) this.end(thirdStrikeLine);
    }
  }

  #leave(): void {
    this.#dropList();
    this.occupancy.leave();
    this.#state = "closed";
  }

  #dropList(): void {
    this.#maildrop?.close();
    this.#maildrop = undefined;
  }

  /** A function, so that the checker does not remember the state from before an await. */
  #isClosed(): boolean {
    return this.#state === "closed";
  }

  async #handle(line: string): Promise<void> {
    if (this.occupancy.msUntilTokenExpires <= 0) return this.invalidate("AccessTokenExpired");
    if (/[^\x20-\x7e]/.test(line)) return this.say(notAscii);
    const [verb = "", ...args] = line.trim().split(/ +/);
    const name = verb.toUpperCase();
    const entry = this.#commands.get(name);
    this.services.count(entry ? name : "unknown");
    if (!entry) return this.say(unknownCommand);
    if (this.#state === "refused" && !entry.states.includes("refused")) return this.say(notConnected);
    if (!entry.states.includes(this.#state)) return this.say(wrongState);
    const admitted = name === "QUIT" ? undefined : await admitCommand(this, name, "INBOX");
    if (this.#isClosed() || admitted === "over") return;
    if (admitted && !(admitted instanceof Spending)) return this.say(refusalReply(admitted));
    if (this.#maildrop?.isInvalid === true) return this.say(failover);
    if (await this.#sayTooMuch(name)) return;
    this.#spending = admitted;
    await this.#answer(name, args, entry);
    this.#spending = undefined;
  }

  /** True where a fault had it answer with nothing but a very long line. */
  async #sayTooMuch(name: string): Promise<boolean> {
    const isMeant = (fault: ActiveFault): boolean => ["", name].includes(fault.word("verb").trim().toUpperCase());
    const order = this.services.faults.strike("status-line-huge", this.place, isMeant);
    if (!order) return false;
    this.writer.text("+OK ");
    for (let left = order.number("bytes"); left > 0 && !this.#isClosed(); left -= filler.length) {
      this.writer.raw(filler.subarray(0, left));
      await this.writer.ready();
    }
    this.writer.text("\r\n");
    return true;
  }

  async #answer(name: string, args: readonly string[], { handler, takes }: CommandEntry): Promise<void> {
    let reply: Reply;
    try {
      reply = takes === "text" || isNumbers(args) ? await handler(this, args) : badArgument;
    } catch {
      // Whatever goes wrong behind the scenes looks like this on Exchange.
      reply = unavailable;
    }
    await this.#spending?.pass();
    if (this.#isClosed()) return;
    this.say(reply);
    if (name === "QUIT" && reply.kind === "ok") this.end();
  }
}

function isNumbers(args: readonly string[]): boolean {
  return args.every((arg) => /^[0-9]{1,10}$/.test(arg));
}
