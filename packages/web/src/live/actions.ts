import type { ActionRequest, ActionRun, ActionVerb, Ticket, TicketRequest } from "@mailfleet/core/console";
import { errorWords, getJson, postJson } from "./api.ts";
import type { PageHandle } from "./page.ts";

/** A stream may be slow, or missing: what an action became is also asked for, this often. */
const askEveryMs = 1_000;

/** What a person does from this page, and what becomes of it. */
export class Actions {
  readonly #page: PageHandle;
  readonly #runs = new Map<string, ActionRun>();
  /** Told by the stream before the answer that names it has come: what is quick is done by then. */
  #early: ActionRun | undefined;
  readonly #ended = new Map<string, (run: ActionRun) => void>();

  constructor(page: PageHandle) {
    this.#page = page;
    page.onRun((run) => {
      if (this.#runs.has(run.id)) this.#hear(run);
      else this.#early = run;
    });
  }

  /** The latest of its verb that was started here: its result is shown in place. */
  latest(verb: ActionVerb): ActionRun | undefined {
    return [...this.#runs.values()].findLast((run) => run.verb === verb);
  }

  forget(verb: ActionVerb): void {
    for (const [id, run] of this.#runs) if (run.verb === verb) this.#runs.delete(id);
    this.#page.draw();
  }

  /** Does it at once. Undefined when it was refused, which is told. @returns when it has ended */
  async run(request: ActionRequest): Promise<ActionRun | undefined> {
    const run = await this.#start(request);
    if (run === undefined || isOver(run)) return run;
    return new Promise((resolve) => this.#ended.set(run.id, resolve));
  }

  /** Freezes a list on the server, shows what it holds, and acts on exactly that when it is confirmed. @returns when it has begun */
  async ask(request: TicketRequest): Promise<ActionRun | undefined> {
    let ticket: Ticket;
    try {
      ticket = await postJson<Ticket>("/api/tickets", request, this.#page.frame.token);
    } catch (error) {
      await tellError(error);
      return undefined;
    }
    const { confirmTicket } = await import("./ticket-dialog.ts");
    const answer = await confirmTicket(ticket, this.#page.context());
    if (answer === undefined) return undefined;
    return this.#start({ verb: ticket.verb, target: { ticket: ticket.ticket }, ...answer });
  }

  async #start(request: ActionRequest): Promise<ActionRun | undefined> {
    try {
      const run = await postJson<ActionRun>("/api/actions", request, this.#page.frame.token);
      this.#take(run);
      if (this.#early?.id === run.id) this.#hear(this.#early);
      void this.#follow(run.id);
      return this.#runs.get(run.id) ?? run;
    } catch (error) {
      await tellError(error);
      return undefined;
    }
  }

  /** From the stream, which has no results: those are for whoever asked, and `#follow` asks. */
  #hear(run: ActionRun): void {
    if (run.state !== "done" || !hasPlace(run)) this.#take(run);
  }

  #take(run: ActionRun): void {
    const before = this.#runs.get(run.id);
    this.#runs.set(run.id, run);
    if (!hasPlace(run) || run.state === "failed") {
      // As it is by then: two imports that wait for one file may come back in any order (seen in Chromium 150).
      void import("./toasts.ts").then(({ toastRun }) =>
        toastRun(this.#runs.get(run.id) ?? run, this.#page.now(), () => void this.#undo(run.id)),
      );
    }
    if (isOver(run)) {
      this.#ended.get(run.id)?.(run);
      this.#ended.delete(run.id);
      if (before === undefined || !isOver(before)) void this.#page.reload();
    }
    this.#page.draw();
  }

  async #undo(id: string): Promise<void> {
    try {
      this.#take(await postJson<ActionRun>(`/api/actions/${encodeURIComponent(id)}/undo`, {}, this.#page.frame.token));
      void this.#page.reload();
    } catch (error) {
      await tellError(error);
    }
  }

  async #follow(id: string): Promise<void> {
    for (;;) {
      const run = this.#runs.get(id);
      if (run === undefined || isOver(run)) return;
      await new Promise((resolve) => setTimeout(resolve, askEveryMs));
      try {
        const next = await getJson<ActionRun>(`/api/actions/${encodeURIComponent(id)}`);
        const known = this.#runs.get(id);
        if (known !== undefined && !isOver(known)) this.#take(next);
      } catch (error) {
        // Without an answer it goes on there all the same; one that is not known there any more has no news.
        if (errorWords(error).code === "NOT_FOUND") return;
      }
    }
  }
}

/** Shown in the page, and not in a corner. */
function hasPlace({ verb }: ActionRun): boolean {
  return verb === "doctor" || verb === "prove" || verb === "reveal";
}

function isOver({ state }: ActionRun): boolean {
  return state === "done" || state === "failed" || state === "undone";
}

async function tellError(error: unknown): Promise<void> {
  const { toastError } = await import("./toasts.ts");
  const { what, todo, command } = errorWords(error);
  toastError(what, todo, command);
}
