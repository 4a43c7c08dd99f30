import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { isForSomebody, type FaultTarget } from "../faults/fault-spec.ts";
import type { Folder } from "../store/folder.ts";
import type { Mailbox } from "../store/mail-store.ts";
import { CommandReader } from "./command-reader.ts";
import type { RawCommand, ReaderEvent } from "./command-reader.ts";
import { parseCommand } from "./parse-command.ts";
import type { Command } from "./parse-command.ts";
import { ResponseWriter } from "./response-writer.ts";
import { SelectedFolder } from "./selected-folder.ts";
import { frontEndAt, greetingOf, type FrontEnd } from "./front-end.ts";
import { type BreakForm, Wire } from "./wire.ts";
import { unavailable } from "./command-table.ts";
import type { ImapServices } from "./services.ts";
import { admitCommand } from "./faults-at-commands.ts";
import type { MailboxTally } from "./mailbox-counters.ts";
import { type BudgetPlace, Spending } from "./server-budget.ts";
import type { CommandEntry, CommandTable, Reply } from "./command-table.ts";

/** Where a session stands. `refused`: the front end took the token, the mailbox behind it did not (field guide 2.2). */
export type SessionState = "greeted" | "refused" | "authenticated" | "selected" | "closed";

const strikesToClose = 3;
const loginTimeoutMs = 60_000;
const idleTimeoutMs = 30 * 60_000;
/** Reading stops while so many pipelined pieces wait. */
const mostQueued = 64;

/** One connection: reads commands one after the other, keeps the state, counts strikes, and writes what the handlers answer. */
export class Session {
  readonly services: ImapServices;
  readonly writer: ResponseWriter;
  readonly #socket: TLSSocket;
  readonly #wire: Wire;
  readonly #commands: CommandTable;
  /** Counts the connections of a sandbox; what differs from one to the next follows from it. */
  readonly number: number;
  /** Since ENABLE IMAP4rev2. */
  isRev2 = false;
  #frontEnd: FrontEnd;
  readonly #reader = new CommandReader();
  readonly #queue: ReaderEvent[] = [];
  #wake: (() => void) | undefined;
  #state: SessionState = "greeted";
  #strikes = 0;
  #failedLogins = 0;
  #mailbox: Mailbox | undefined;
  #place: BudgetPlace | undefined;
  #tally: MailboxTally | undefined;
  #spending: Spending | undefined;
  #expiresAt = Number.POSITIVE_INFINITY;
  #selected: SelectedFolder | undefined;
  #isIdling = false;
  #isTelling = false;

  /** @param tcp the connection below TLS, where it is known */
  constructor(socket: TLSSocket, tcp: Socket | undefined, number: number, services: ImapServices, commands: CommandTable) {
    this.#socket = socket;
    this.#wire = new Wire(socket, tcp);
    this.number = number;
    this.services = services;
    this.#commands = commands;
    this.writer = new ResponseWriter(this.#wire);
    this.#frontEnd = frontEndAt(services, {});
  }

  get frontEnd(): FrontEnd {
    return this.#frontEnd;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Only where the command table demands a login. */
  get mailbox(): Mailbox {
    if (!this.#mailbox) throw new Error("no mailbox is open in this session");
    return this.#mailbox;
  }

  get selected(): SelectedFolder {
    if (!this.#selected) throw new Error("no folder is selected in this session");
    return this.#selected;
  }

  /** Whose session it is and which folder is open, for faults; undefined before a login. */
  get place(): BudgetPlace | undefined {
    return this.#selected && this.#place ? { ...this.#place, folder: this.#selected.folder.name } : this.#place;
  }

  /** Only after a login. */
  get tally(): MailboxTally {
    if (!this.#tally) throw new Error("nobody is logged in");
    return this.#tally;
  }

  /** What the running command costs; undefined where nobody counts. */
  get spending(): Spending | undefined {
    return this.#spending;
  }

  /** Sends what there is, then lets the time pass that was charged. */
  async passTime(): Promise<void> {
    if (!this.#spending) return;
    this.writer.flush();
    await this.#spending.pass();
  }

  async run(): Promise<void> {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setTimeout(loginTimeoutMs, () => this.end("* BYE Connection is closed. 13"));
    socket.on("data", (chunk: Buffer) => {
      this.#queue.push(...this.#reader.push(chunk));
      if (this.#queue.length > mostQueued) socket.pause();
      this.#wake?.();
    });
    socket.on("close", () => {
      this.#leave();
      this.#wake?.();
    });
    if (!(await this.#greet())) return;
    for (let event = await this.#take(); event !== undefined; event = await this.#take()) {
      if (event.kind === "continue") this.writer.line("+ Ready for additional command text.");
      else if (event.kind === "too-long") this.#refuse(event.tag, "Command Argument Error. 11", true);
      else await this.#handle(event.command);
      this.writer.flush();
    }
  }

  async #greet(): Promise<boolean> {
    const { faults, sleep, frontEnd } = this.services;
    const early = faults.strike("close-after-connect", {}, (fault) => fault.word("at") === "tls");
    if (early?.flag("reset")) {
      this.#wire.reset();
      await this.fallSilent();
    } else if (early) this.end();
    if (faults.strike("greeting-none", {})) await this.fallSilent();
    const late = faults.strike("greeting-late", {});
    if (late) await sleep(late.number("ms"));
    if (this.#isClosed()) return false;
    this.#armWire({}, "connection");
    this.writer.line(greetingOf(this.#frontEnd.kind, frontEnd, this.number));
    this.writer.flush();
    return true;
  }

  #armWire(place: FaultTarget, where: "connection" | "session"): void {
    const { faults } = this.services;
    const reset = faults.strike("reset", place, (fault) => fault.word("where") === where);
    if (reset) this.breakAfter(reset.number("bytes"), reset.flag("reset") ? "reset" : "end");
    const drip = faults.strike("drip", place, (fault) => where === "connection" || isForSomebody(fault));
    if (drip) this.#wire.drip(drip.number("bytes"), drip.number("everyMs"));
  }

  /** The next line a client sends inside a command (SASL, IDLE); undefined when the connection ended. */
  async readLine(): Promise<string | undefined> {
    this.writer.flush();
    const event = await this.#take();
    return event?.kind === "command" ? (event.command.texts[0] ?? "") : undefined;
  }

  /** The session gives the mailbox back when it ends. */
  logIn(mailbox: Mailbox | undefined, place: BudgetPlace, expiresAt: number): void {
    if (this.#isClosed()) {
      if (mailbox) this.services.store.giveBack(mailbox);
      return;
    }
    this.#mailbox = mailbox;
    this.#place = place;
    this.#tally = this.services.counts.of(place.mailbox);
    if (mailbox) this.services.counts.countSession(place, 1);
    const stale = this.services.faults.strike("stale-session", place);
    this.#expiresAt = stale ? Math.min(expiresAt, Date.now() + stale.number("afterMs")) : expiresAt;
    this.#frontEnd = frontEndAt(this.services, place, this.#frontEnd);
    this.#state = mailbox ? "authenticated" : "refused";
    this.keepWhileIdle(this.services.faults.holds("idle-timeout", place)?.number("ms"));
    this.#armWire(place, "session");
  }

  failLogin(): void {
    if (++this.#failedLogins >= strikesToClose) setImmediate(() => this.end("* BYE Connection is closed. 14"));
  }

  select(folder: Folder, isReadOnly: boolean): SelectedFolder {
    this.unselect();
    this.#selected = new SelectedFolder(folder, isReadOnly, this, () => this.#tellWhileIdle());
    this.#state = "selected";
    return this.#selected;
  }

  unselect(): void {
    this.#selected?.close();
    this.#selected = undefined;
    if (this.#state === "selected") this.#state = "authenticated";
  }

  /** Between these two, changes are told as they come. */
  startIdle(): void {
    this.#isIdling = true;
    this.#tellWhileIdle();
  }

  stopIdle(): void {
    this.#isIdling = false;
  }

  get msUntilTokenExpires(): number {
    return this.#expiresAt - Date.now();
  }

  /** Says that the session is over for this reason; one that lingers takes commands on, and none of them is in place. */
  invalidate(reason: string, lingers = false): void {
    const line = `* BYE Session invalidated - ${reason}`;
    if (!lingers) return this.end(line);
    this.writer.line(line);
    this.writer.flush();
    this.unselect();
    this.#giveBack();
    this.#place = undefined;
    this.#state = "greeted";
  }

  /** For what strikes without being asked. */
  lookAround(): void {
    if (!this.#isIdling || !this.place) return;
    const invalidated = this.services.faults.strike("session-invalidated", this.place);
    if (invalidated) return this.invalidate(invalidated.word("reason"));
    const expiry = this.services.faults.strike("token-expiry", this.place, (fault) => ["any", "idle"].includes(fault.word("at")));
    if (expiry) this.invalidate(expiry.word("reason"), expiry.flag("lingers"));
  }

  /** How long a connection without a byte is kept. */
  keepWhileIdle(ms = idleTimeoutMs): void {
    this.#socket.setTimeout(ms);
  }

  /** Breaks the connection after so many bytes more than are written now. */
  breakAfter(bytes: number, form: BreakForm, lastWords?: string): void {
    this.writer.flush();
    this.#wire.breakAfter(bytes, form, () => (form === "end" ? this.end() : undefined), lastWords);
  }

  /** Nothing is said any more; returns when the client has given up. */
  async fallSilent(): Promise<void> {
    this.writer.flush();
    this.#wire.silence();
    this.#socket.setTimeout(0);
    if (!this.#socket.closed) await new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
  }

  /** Says goodbye and closes; safe to call twice. */
  end(line?: string): void {
    if (this.#state === "closed") return;
    if (line !== undefined) this.writer.line(line);
    this.writer.flush();
    this.#leave();
    this.#wire.end();
    // A client that never closes its side must not keep the connection.
    setTimeout(() => this.#socket.destroy(), 2_000).unref();
    this.#wake?.();
  }

  #leave(): void {
    this.#selected?.close();
    this.#selected = undefined;
    this.#giveBack();
    this.#state = "closed";
  }

  #giveBack(): void {
    if (!this.#mailbox || !this.#place) return;
    this.services.store.giveBack(this.#mailbox);
    this.services.counts.countSession(this.#place, -1);
    this.#mailbox = undefined;
  }

  /** A function, so that the checker does not remember the state from before an await. */
  #isClosed(): boolean {
    return this.#state === "closed";
  }

  async #take(): Promise<ReaderEvent | undefined> {
    while (this.#queue.length === 0) {
      if (this.#isClosed()) return undefined;
      if (this.#socket.isPaused()) this.#socket.resume();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#isClosed() ? undefined : this.#queue.shift();
  }

  async #handle(raw: RawCommand): Promise<void> {
    if (this.msUntilTokenExpires <= 0) return this.invalidate("AccessTokenExpired");
    const outcome = parseCommand(raw);
    if ("refusal" in outcome) return this.#refuse(outcome.refusal.tag, outcome.refusal.text);
    const { command } = outcome;
    const entry = this.#commands.get(command.verb);
    this.services.count(entry ? command.verb : "unknown");
    if (!entry) return this.#refuse(command.tag, "Command Error. 12");
    if (this.#state === "refused" && !entry.states.includes("refused"))
      return this.#refuse(command.tag, "User is authenticated but not connected.");
    if (!entry.states.includes(this.#state)) return this.#refuse(command.tag, "Command received in Invalid state.");
    const admitted = await admitCommand(this, command);
    if (this.#isClosed() || admitted === "over") return;
    if (admitted && !(admitted instanceof Spending)) return this.#tag(command.tag, admitted);
    if (this.#selected?.isInvalid) return this.end("* BYE Connection closed.");
    this.#spending = admitted;
    await this.#answer(command, entry);
    this.#spending = undefined;
  }

  async #answer(command: Command, { handler, mayExpunge }: CommandEntry): Promise<void> {
    let reply: Reply;
    try {
      reply = await handler(this, command);
    } catch {
      // Whatever goes wrong behind the scenes looks like this on Exchange.
      reply = unavailable;
    }
    await this.#spending?.pass();
    if (this.#isClosed()) return;
    if (reply.kind !== "bad") for (const line of this.#selected?.takeChanges(mayExpunge) ?? []) this.writer.line(line);
    this.#tag(command.tag, reply);
    if (command.verb === "LOGOUT") this.end();
  }

  #tag(tag: string, reply: Reply): void {
    if (reply.kind === "bad") this.#refuse(tag, reply.text);
    else this.writer.line(reply.isBare ? reply.text : `${tag} ${reply.kind.toUpperCase()} ${reply.text}`);
    if (reply.bye !== undefined) this.end(`* BYE ${reply.bye}`);
    else if (reply.isStrike) this.#strike();
  }

  #refuse(tag: string, text: string, mustClose = false): void {
    this.writer.line(`${tag} BAD ${text}`);
    this.#strike(mustClose);
  }

  #strike(mustClose = false): void {
    if (++this.#strikes >= strikesToClose || mustClose) this.end("* BYE Connection closed. 14");
  }

  #tellWhileIdle(): void {
    if (!this.#isIdling || this.#isTelling) return;
    this.#isTelling = true;
    const tell = (): void => {
      this.#isTelling = false;
      if (!this.#isIdling || !this.#selected) return;
      if (this.#selected.isInvalid) return this.end("* BYE Connection closed.");
      for (const line of this.#selected.takeChanges(true)) this.writer.line(line);
      this.writer.flush();
    };
    const late = this.services.faults.holds("idle-late", this.place ?? {})?.number("ms");
    if (late === undefined) setImmediate(tell);
    else setTimeout(tell, late).unref();
  }
}
