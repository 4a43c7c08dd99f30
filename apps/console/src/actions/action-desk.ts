import { isSyncError, type MailboxRef, shellWord, stripControls, syncError } from "@mailfleet/core";
import {
  type ActionRequest,
  type ActionRun,
  type ActionTarget,
  type ActivityEntry,
  type Ticket,
  type TicketRequest,
} from "@mailfleet/core/console";
import { Refusal } from "../http/refusal.ts";
import type { Person } from "../http/sessions.ts";
import type { ActionPorts } from "./action-ports.ts";
import { checkWork } from "./check-actions.ts";
import { chooseMailboxes, freezeLetters, refOf } from "./freeze.ts";
import { discardLetters, replayLetters, restoreLetters, revealLetter } from "./letter-actions.ts";
import { actOnMailboxes, mailboxCommand, mailboxSubject, type MailboxVerb } from "./mailbox-actions.ts";
import { Runs } from "./runs.ts";
import type { Work } from "./work.ts";
import { type FrozenTicket, Tickets } from "./tickets.ts";

/** A replay waits this long, and can be undone until then; a park or resume can be put back so long. */
const undoMs = 10_000;
const longestReason = 300;
/** Characters of a command that goes through the stream with each step: some hundred addresses. A longer one is in its dialog alone. */
const longestCommand = 20_000;

/** Everything that people do from the console: checked, run, told, and written down. */
export class ActionDesk {
  readonly #ports: ActionPorts;
  readonly #tickets: Tickets;
  readonly #runs: Runs;
  readonly #undo = new Map<string, { readonly reverse: string | undefined; readonly back: () => Promise<{ readonly words: string }> }>();
  readonly #held = new Map<string, AbortController>();
  readonly #stoppable = new Map<string, AbortController>();
  readonly #owners = new Map<string, string>();

  constructor(ports: ActionPorts, tell: (run: ActionRun) => void) {
    this.#ports = ports;
    this.#tickets = new Tickets(ports.clock);
    this.#runs = new Runs(tell);
  }

  /** Freezes what a dialog counts. @throws Refusal */
  async ticket(request: TicketRequest, { name }: Person): Promise<Ticket> {
    const { live, options } = this.#ports;
    if (!live.isLive) throw notLive();
    const { verb, select } = request;
    if (verb === "replay" || verb === "discard") {
      const { frozen, at, of, notes, command } = await freezeLetters(this.#ports, verb, select);
      return this.#tickets.issue({ verb, who: name, frozen, at, of, notes, command });
    }
    const mailboxes = chooseMailboxes(live, select);
    if (mailboxes.length === 0)
      throw new Refusal("NOT_FOUND", "No mailbox fits any more. Nothing was done.", { todo: "Load the list again." });
    const command = mailboxCommand(verb, mailboxes, undefined, options);
    return this.#tickets.issue({
      verb,
      who: name,
      frozen: { kind: "mailboxes", mailboxes },
      at: live.now(),
      of: "",
      notes: verb === "park" ? ["Sessions that run end within their batch. Nothing is lost; mail waits on the server."] : [],
      command,
    });
  }

  /** Begins an action. @throws Refusal */
  async perform(request: ActionRequest, person: Person): Promise<ActionRun> {
    if (!this.#ports.live.isLive) throw notLive();
    const reason = oneLine(request.reason);
    if (request.verb === "reveal") return this.#reveal(request.target, reason, person);
    const work = this.#workOf(request, reason, person);
    try {
      await this.#write(work, person, "asked", work.subject);
    } catch (error) {
      work.leave?.();
      throw error;
    }
    const isHeld = work.pace === "held";
    const startsAt = this.#ports.live.now() + (isHeld ? undoMs : 0);
    const { verb, subject, count } = work;
    const command = carried(work.command) ?? "";
    const run = this.#runs.begin({
      verb,
      state: isHeld ? "waiting" : "running",
      subject,
      count,
      startsAt,
      done: 0,
      failed: 0,
      words: isHeld ? `${subject}: begins in ${undoMs / 1_000} s.` : `${subject}: begun.`,
      ...(isHeld && { undoUntil: startsAt }),
      command,
      ...(work.pace === "stoppable" && { lines: [], isStoppable: true as const }),
    });
    this.#owners.set(run.id, ownerOf(person));
    if (this.#owners.size > 1_000) this.#owners.delete([...this.#owners.keys()][0] as string);
    const hold = new AbortController();
    if (isHeld) this.#held.set(run.id, hold);
    if (work.pace === "stoppable") this.#stoppable.set(run.id, hold);
    void this.#carryOut(run.id, work, person, hold.signal);
    return run;
  }

  /** @throws Refusal NOT_FOUND */
  find(id: string, person: Person): ActionRun {
    const run = this.#runs.find(id);
    if (run === undefined)
      throw new Refusal("NOT_FOUND", "This action is not remembered any more; what came of it stands in the activity.");
    if (this.#owners.get(id) === ownerOf(person)) return run;
    const { result: _own, ...shown } = run;
    return shown;
  }

  /** @throws Refusal NOT_FOUND, TOO_LATE */
  async undo(id: string, person: Person): Promise<ActionRun> {
    const run = this.find(id, person);
    const hold = this.#held.get(id);
    if (hold && !hold.signal.aborted) {
      hold.abort();
      this.#held.delete(id);
      await this.#note(run, person, "undone", "stopped before it began");
      return this.#runs.update(id, { state: "undone", words: `${run.subject}: stopped before it began. Nothing was done.` }) ?? run;
    }
    const back = this.#undo.get(id);
    if (back === undefined || run.undoUntil === undefined || this.#ports.live.now() > run.undoUntil) {
      const reverse = carried(back?.reverse);
      const instead = reverse === undefined ? {} : { todo: "The reverse action does the same.", command: reverse };
      throw new Refusal("TOO_LATE", "It is too late to undo this.", instead);
    }
    this.#undo.delete(id);
    this.#runs.settle(id);
    const { words } = await back.back();
    await this.#note(run, person, "undone", words);
    return this.#runs.update(id, { state: "undone", words: `${run.subject}: undone, ${words}.` }) ?? run;
  }

  /** Ends a check that runs. @throws Refusal NOT_FOUND, TOO_LATE */
  stop(id: string, person: Person): ActionRun {
    const run = this.find(id, person);
    const running = this.#stoppable.get(id);
    if (running === undefined) throw new Refusal("TOO_LATE", "It has ended already.");
    running.abort(syncError("INTERRUPTED", `stopped by ${person.name}`, { layer: "engine" }));
    return run;
  }

  async #carryOut(id: string, work: Work, person: Person, hold: AbortSignal): Promise<void> {
    const { clock, log, live } = this.#ports;
    try {
      if (work.pace === "held") await clock.sleep(undoMs, hold);
      this.#held.delete(id);
      this.#runs.settle(id);
      this.#runs.update(id, { state: "running", words: `${work.subject}: at work.` });
      const { done, failed, words, result, undo } = await work.act({
        onDone: (count) => this.#runs.update(id, { done: count }),
        onLines: (lines) => this.#runs.addLines(id, lines),
        signal: hold,
      });
      if (undo) {
        this.#undo.set(id, { reverse: work.reverse, back: undo });
        if (this.#undo.size > 200) this.#undo.delete([...this.#undo.keys()][0] as string);
      }
      const outcome = failed === 0 ? "done" : done === 0 ? "failed" : "partly";
      await this.#write(work, person, outcome, words);
      this.#runs.update(id, {
        state: outcome === "failed" ? "failed" : "done",
        done,
        failed,
        endedAt: live.now(),
        words: `${startUpper(work.subject)}: ${words}.`,
        ...(undo && { undoUntil: live.now() + undoMs }),
        ...(result && { result }),
      });
    } catch (error) {
      if (hold.aborted) return await this.#stopped(id, work, person, hold);
      const what = error instanceof Refusal || isSyncError(error) ? error.message : "it could not be done; the console's log says why.";
      log.warn({ verb: work.verb, err: error }, "an action failed");
      await this.#write(work, person, "failed", what).catch(() => undefined);
      this.#runs.update(id, { state: "failed", endedAt: live.now(), words: `${startUpper(work.subject)}: ${this.#ports.scrub(what)}` });
    } finally {
      this.#stoppable.delete(id);
    }
  }

  /** What was undone before it began is told by whoever undid it. */
  async #stopped(id: string, work: Work, person: Person, { reason }: AbortSignal): Promise<void> {
    if (work.pace !== "stoppable") return;
    const words = isSyncError(reason) ? reason.message : "stopped";
    await this.#write(work, person, "undone", words).catch(() => undefined);
    this.#runs.update(id, {
      state: "undone",
      endedAt: this.#ports.live.now(),
      words: `${startUpper(work.subject)}: ${words}. Nothing was changed.`,
    });
  }

  #workOf(request: ActionRequest, reason: string | undefined, person: Person): Work {
    const { verb, target, typed } = request;
    const { options } = this.#ports;
    switch (verb) {
      case "try":
      case "park":
      case "resume": {
        const mailboxes = "ticket" in target ? this.#mailboxesOf(this.#take(target.ticket, verb, typed, person)) : [this.#one(target)];
        return this.#mailboxWork(verb, mailboxes, reason, person);
      }
      case "replay":
      case "discard": {
        const ticket = this.#take("ticket" in target ? target.ticket : "", verb, typed, person);
        return this.#letterWork(verb, ticket, reason, person);
      }
      case "restore": {
        const discarded = "discarded" in target ? target.discarded : "";
        return {
          verb,
          subject: "discarded letters",
          count: 1,
          command: `npx mailfleet dead-letters restore ${shellWord(discarded)}${options}`,
          about: {},
          reason,
          pace: "at once",
          act: ({ onDone }) => restoreLetters(this.#ports, discarded, onDone),
        };
      }
      case "prove":
      case "doctor": {
        const subject = "tenant" in target ? { tenant: target.tenant } : { mailbox: this.#one(target) };
        return checkWork(this.#ports, verb, subject, reason);
      }
      case "reveal":
        throw new Refusal("BAD_REQUEST", "A letter is revealed by itself.");
    }
  }

  #mailboxWork(verb: MailboxVerb, mailboxes: readonly MailboxRef[], reason: string | undefined, person: Person): Work {
    const ports = this.#ports;
    const [first] = mailboxes;
    const isOne = mailboxes.length === 1 && first !== undefined;
    const reverse: MailboxVerb | undefined = verb === "park" ? "resume" : verb === "resume" ? "park" : undefined;
    const by = { who: person.name, reason };
    return {
      verb,
      subject: mailboxSubject(mailboxes),
      count: mailboxes.length,
      command: mailboxCommand(verb, mailboxes, reason, ports.options),
      ...(reverse !== undefined && { reverse: mailboxCommand(reverse, mailboxes, undefined, ports.options) }),
      about: isOne ? { tenant: first.tenant, mailbox: first.address } : tenantOf(mailboxes),
      reason,
      pace: "at once",
      act: async ({ onDone }) => {
        const { changed, ...outcome } = await actOnMailboxes(ports, verb, mailboxes, by, onDone);
        if (reverse === undefined || changed.length === 0) return outcome;
        return { ...outcome, undo: () => actOnMailboxes(ports, reverse, changed, { ...by, reason: undefined }, () => undefined) };
      },
    };
  }

  #letterWork(verb: "replay" | "discard", ticket: FrozenTicket, reason: string | undefined, person: Person): Work {
    const ports = this.#ports;
    const letters = ticket.frozen.kind === "letters" ? ticket.frozen.letters : [];
    const cause = /of cause (\w+)/.exec(ticket.subject)?.[1];
    return {
      verb,
      subject: ticket.subject,
      count: letters.length,
      command: ticket.command,
      about: cause === undefined ? {} : { cause },
      reason,
      pace: verb === "replay" ? "held" : "at once",
      act: async ({ onDone }) => {
        if (verb === "replay") return replayLetters(ports, letters, onDone);
        const { discarded: _id, ...outcome } = await discardLetters(ports, letters, { who: person.name, cause: cause ?? "" }, onDone);
        return outcome;
      },
    };
  }

  async #reveal(target: ActionTarget, reason: string | undefined, person: Person): Promise<ActionRun> {
    if (!("letter" in target)) throw new Refusal("BAD_REQUEST", "It is not said which letter.");
    if (reason === undefined) throw new Refusal("BAD_REQUEST", "A reason is needed: it is written down with your name.");
    const { letter, event } = await revealLetter(this.#ports, target.letter);
    const command = `npx mailfleet dead-letters show ${shellWord(letter.id)} --content${this.#ports.options}`;
    const about = { tenant: event.tenant, mailbox: event.mailbox };
    const work = {
      verb: "reveal",
      subject: "one message",
      count: 1,
      command,
      about,
      reason,
      pace: "at once",
      act: () => Promise.reject(new Error("done")),
    } as const;
    // Not shown where it cannot be written down.
    await this.#write(work, person, "done", "one message");
    const now = this.#ports.live.now();
    return {
      id: "",
      verb: "reveal",
      state: "done",
      subject: "one message",
      count: 1,
      startsAt: now,
      endedAt: now,
      done: 1,
      failed: 0,
      words: "One message is shown.",
      command,
      result: { kind: "letter", letter },
    };
  }

  #take(ticket: string, verb: string, typed: string | undefined, person: Person): FrozenTicket {
    return this.#tickets.take(ticket, { verb, who: person.name, typed });
  }

  #mailboxesOf({ frozen }: FrozenTicket): readonly MailboxRef[] {
    return frozen.kind === "mailboxes" ? frozen.mailboxes : [];
  }

  #one(target: ActionTarget): MailboxRef {
    const found = "mailbox" in target ? this.#ports.live.memory.find(target.mailbox) : undefined;
    if (found === undefined) throw new Refusal("NOT_FOUND", "There is no such mailbox. Nothing was done.");
    return refOf(found.mailbox);
  }

  async #write(work: Work, person: Person, outcome: ActivityEntry["outcome"], words: string): Promise<void> {
    const { verb, count, command, about, reason } = work;
    await this.#ports.activity.write({
      who: person.name,
      by: "people",
      verb,
      ...about,
      count,
      outcome,
      words: this.#ports.scrub(words),
      ...(reason !== undefined && { reason }),
      command,
    });
  }

  async #note(run: ActionRun, person: Person, outcome: ActivityEntry["outcome"], words: string): Promise<void> {
    const { verb, count, command, subject } = run;
    const entry = { who: person.name, by: "people", verb, count, outcome, words: `${subject}: ${words}` } as const;
    await this.#ports.activity.write({ ...entry, ...(command !== "" && { command }) });
  }
}

/** Names are what people type or are called elsewhere: a viewer of the same name is somebody else. */
function ownerOf({ name, role }: Person): string {
  return `${role} ${name}`;
}

function carried(command: string | undefined): string | undefined {
  return command === undefined || command.length > longestCommand ? undefined : command;
}

/** Where all are of one. */
function tenantOf(mailboxes: readonly MailboxRef[]): { readonly tenant?: string } {
  const tenants = new Set(mailboxes.map(({ tenant }) => tenant));
  const [only] = tenants;
  return tenants.size === 1 && only !== undefined ? { tenant: only } : {};
}

function oneLine(text: string | undefined): string | undefined {
  const line = stripControls(text ?? "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, longestReason);
  return line === "" ? undefined : line;
}

/** Names of mailboxes and tenants stay as they are. */
function startUpper(text: string): string {
  return text.includes(" ") ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

function notLive(): Refusal {
  return new Refusal("NOT_LIVE", "Redis does not answer, so nothing can be done now.", { todo: "Wait until the page is live again." });
}
