import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Folder } from "../store/folder.ts";
import type { Mailbox } from "../store/mail-store.ts";
import { admitCommand, type AdmittingSession } from "../mail/admit-command.ts";
import { Connection } from "../mail/connection.ts";
import type { MailboxTally } from "../mail/mailbox-counters.ts";
import type { MailSession } from "../mail/mail-server.ts";
import { Occupancy } from "../mail/occupancy.ts";
import type { ResponseWriter } from "../mail/response-writer.ts";
import { type BudgetPlace, Spending } from "../mail/server-budget.ts";
import type { MailServices } from "../mail/services.ts";
import type { BreakForm } from "../mail/wire.ts";
import { CommandQueue } from "./command-queue.ts";
import type { RawCommand, ReaderEvent } from "./command-reader.ts";
import { parseCommand } from "./parse-command.ts";
import type { Command } from "./parse-command.ts";
import { SelectedFolder } from "./selected-folder.ts";
import { frontEndAt, greetingOf, type FrontEnd } from "./front-end.ts";
import { refusalReply, unavailable } from "./command-table.ts";
import type { CommandEntry, CommandTable, Reply } from "./command-table.ts";

/** Where a session stands. `refused`: the front end took the token, the mailbox behind it did not (field guide 2.2). */
export type SessionState = "greeted" | "refused" | "authenticated" | "selected" | "closed";

const strikesToClose = 3;

/** One connection: reads commands one after the other, keeps the state, counts strikes, and writes what the handlers answer. */
export class Session implements MailSession, AdmittingSession {
  readonly services: MailServices;
  readonly writer: ResponseWriter;
  readonly occupancy: Occupancy;
  readonly #connection: Connection<ReaderEvent>;
  readonly #commands: CommandTable;
  /** Counts the connections of a sandbox; what differs from one to the next follows from it. */
  readonly number: number;
  /** Since ENABLE IMAP4rev2. */
  isRev2 = false;
  #frontEnd: FrontEnd;
  #state: SessionState = "greeted";
  #strikes = 0;
  #failedLogins = 0;
  #spending: Spending | undefined;
  #selected: SelectedFolder | undefined;
  #isIdling = false;
  #isTelling = false;

  /** @param tcp the connection below TLS, where it is known */
  constructor(socket: TLSSocket, tcp: Socket | undefined, number: number, services: MailServices, commands: CommandTable) {
    const idleLine = "* BYE Connection is closed. 13";
    this.#connection = new Connection({
      socket,
      tcp,
      services,
      reader: new CommandQueue(),
      idleLine,
      onEnd: () => this.#leave(),
    });
    this.number = number;
    this.services = services;
    this.occupancy = new Occupancy(services);
    this.#commands = commands;
    this.writer = this.#connection.writer;
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
    const { mailbox } = this.occupancy;
    if (!mailbox) throw new Error("no mailbox is open in this session");
    return mailbox;
  }

  get selected(): SelectedFolder {
    if (!this.#selected) throw new Error("no folder is selected in this session");
    return this.#selected;
  }

  /** Whose session it is and which folder is open, for faults; undefined before a login. */
  get place(): BudgetPlace | undefined {
    const { place } = this.occupancy;
    return this.#selected && place ? { ...place, folder: this.#selected.folder.name } : place;
  }

  /** Only after a login. */
  get tally(): MailboxTally {
    return this.occupancy.tally;
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
    const isOpen = await this.#connection.open(() => greetingOf(this.#frontEnd.kind, this.services.frontEnd, this.number));
    if (!isOpen) return;
    for (let event = await this.#connection.take(); event !== undefined; event = await this.#connection.take()) {
      if (event.kind === "continue") this.writer.line("+ Ready for additional command text.");
      else if (event.kind === "too-long") this.#refuse(event.tag, "Command Argument Error. 11", true);
      else await this.#handle(event.command);
      this.writer.flush();
    }
  }

  /** The next line a client sends inside a command (SASL, IDLE); undefined when the connection ended. */
  async readLine(): Promise<string | undefined> {
    this.writer.flush();
    const event = await this.#connection.take();
    return event?.kind === "command" ? (event.command.texts[0] ?? "") : undefined;
  }

  /** The session gives the mailbox back when it ends. */
  logIn(mailbox: Mailbox | undefined, place: BudgetPlace, expiresAt: number): void {
    if (this.#isClosed()) {
      if (mailbox) this.services.store.giveBack(mailbox);
      return;
    }
    this.occupancy.enter(mailbox, place, expiresAt);
    this.#frontEnd = frontEndAt(this.services, place, this.#frontEnd);
    this.#state = mailbox ? "authenticated" : "refused";
    this.keepWhileIdle(this.services.faults.holds("idle-timeout", place)?.number("ms"));
    this.#connection.arm(place, "session");
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
    return this.occupancy.msUntilTokenExpires;
  }

  /** Says that the session is over for this reason; one that lingers takes commands on, and none of them is in place. */
  invalidate(reason: string, lingers = false): void {
    const line = `* BYE Session invalidated - ${reason}`;
    if (!lingers) return this.end(line);
    this.writer.line(line);
    this.writer.flush();
    this.unselect();
    this.occupancy.forget();
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

  keepWhileIdle(ms?: number): void {
    this.#connection.keepWhileIdle(ms);
  }

  breakAfter(bytes: number, form: BreakForm, lastWords?: string): void {
    this.#connection.breakAfter(bytes, form, lastWords);
  }

  fallSilent(): Promise<void> {
    return this.#connection.fallSilent();
  }

  /** Says goodbye and closes; safe to call twice. */
  end(line?: string): void {
    this.#connection.end(line);
  }

  #leave(): void {
    this.#selected?.close();
    this.#selected = undefined;
    this.occupancy.leave();
    this.#state = "closed";
  }

  /** A function, so that the checker does not remember the state from before an await. */
  #isClosed(): boolean {
    return this.#state === "closed";
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
    const admitted = command.verb === "LOGOUT" ? undefined : await admitCommand(this, command.verb, this.#selected?.folder.name);
    if (this.#isClosed() || admitted === "over") return;
    if (admitted && !(admitted instanceof Spending)) return this.#tag(command.tag, refusalReply(admitted));
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
