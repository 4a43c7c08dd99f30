import { formatCounted, shellWord } from "@mailfleet/core";
import type { FaultRequest, OrderedFault, SandboxPage } from "@mailfleet/core/console";
import { type SandboxControl, SandboxControlError } from "@mailfleet/sandbox/control";
import { faultCatalogue, faultGroups, type FaultOrder, faultPlace, type FaultSpec, type ListedFault } from "@mailfleet/sandbox/faults";
import type { ActivityLog } from "@mailfleet/store";
import { Refusal } from "../http/refusal.ts";
import type { Person } from "../http/sessions.ts";
import { suggestionsFor } from "./suggestions.ts";

export interface SandboxDeskOptions {
  /** Found anew each time: a sandbox that was started again has another port. */
  readonly open: () => SandboxControl | undefined;
  readonly activity: ActivityLog;
  /** Aliases, in the configuration's order. */
  readonly tenants: readonly string[];
  /** Addresses of a tenant's mailboxes. */
  readonly mailboxesOf: (tenant: string) => readonly string[];
  /** What printed commands need besides. */
  readonly options: string;
}

const minuteMs = 60_000;

/** What goes wrong on purpose: seen, begun and ended. There is one only where the fleet is the sandbox. */
export class SandboxDesk {
  readonly #options: SandboxDeskOptions;

  constructor(options: SandboxDeskOptions) {
    this.#options = options;
  }

  async page(): Promise<SandboxPage> {
    const { tenants, mailboxesOf } = this.#options;
    const listed = await this.#list().catch((error: unknown) => {
      if (error instanceof Refusal) return error;
      throw error;
    });
    return {
      active: listed instanceof Refusal ? [] : listed.map(orderedFault),
      groups: faultGroups().map(({ title, faults }) => ({
        title,
        faults: faults.map(({ name, spec }) => ({ name, says: spec.says, places: placesOf(spec), isOnce: spec.occurs === "once" })),
      })),
      suggestions: suggestionsFor(tenants, mailboxesOf),
      tenants,
      ...(listed instanceof Refusal && { trouble: listed.message }),
    };
  }

  /** @throws Refusal BAD_REQUEST with all that is wrong with it, NOT_LIVE */
  async add({ name, tenant, mailbox, minutes }: FaultRequest, { name: who }: Person): Promise<{ readonly id: number }> {
    const order: FaultOrder = {
      name,
      ...(tenant !== undefined && { tenant }),
      ...(mailbox !== undefined && { mailbox }),
      ...(minutes !== undefined && specOf(name)?.occurs !== "once" && { forMs: minutes * minuteMs }),
    };
    const { ids } = await this.#ask("POST", "/faults", order);
    await this.#options.activity.write({
      who,
      by: "people",
      verb: "break",
      ...(tenant !== undefined && { tenant }),
      ...(mailbox !== undefined && { mailbox }),
      count: 1,
      outcome: "done",
      words: `${name}, ${faultPlace(order)}`,
      command: addCommand(order, this.#options.options),
    });
    return { id: Array.isArray(ids) ? Number(ids[0]) : 0 };
  }

  /** @param id of one; without it all. @throws Refusal NOT_FOUND where it has ended, NOT_LIVE */
  async clear(id: number | undefined, { name: who }: Person): Promise<{ readonly removed: number }> {
    if (id !== undefined && !(await this.#list()).some((fault) => fault.id === id))
      throw new Refusal("NOT_FOUND", "This fault has ended already, or was taken back.");
    const removed = Number((await this.#ask("DELETE", id === undefined ? "/faults" : `/faults/${id}`))["removed"]);
    await this.#options.activity.write({
      who,
      by: "people",
      verb: "mend",
      count: removed,
      outcome: "done",
      words: `${formatCounted(removed, "fault")} ended`,
      command: `npx mailfleet sandbox fault clear${id === undefined ? "" : ` ${id}`}${this.#options.options}`,
    });
    return { removed };
  }

  async #list(): Promise<readonly ListedFault[]> {
    return (await this.#ask("GET", "/faults"))["faults"] as readonly ListedFault[];
  }

  async #ask(method: "GET" | "POST" | "DELETE", route: string, body?: unknown): Promise<Readonly<Record<string, unknown>>> {
    const control = this.#options.open();
    if (control === undefined) throw new Refusal("NOT_LIVE", "The sandbox does not run now.", { todo: "It is started again by itself." });
    try {
      return await control.request(method, route, body);
    } catch (error) {
      if (!(error instanceof SandboxControlError)) throw error;
      if (error.kind === "unreachable")
        throw new Refusal("NOT_LIVE", "The sandbox does not answer now.", { todo: "Try again in a moment." });
      throw new Refusal("BAD_REQUEST", `${error.message} ${error.problems.join("; ")}`);
    }
  }
}

function specOf(name: string): FaultSpec | undefined {
  return Object.hasOwn(faultCatalogue, name) ? faultCatalogue[name as keyof typeof faultCatalogue] : undefined;
}

function placesOf(spec: FaultSpec): readonly ("tenant" | "mailbox")[] {
  if (spec.isBeforeTenant === true) return [];
  return spec.side === "token" ? ["tenant"] : ["tenant", "mailbox"];
}

function orderedFault({ id, order, struck, until }: ListedFault): OrderedFault {
  const { name } = order;
  return { id, name, says: specOf(name)?.says ?? "", place: faultPlace(order), struck, ...(until !== undefined && { until }) };
}

function addCommand({ name, tenant, mailbox, forMs }: FaultOrder, options: string): string {
  const where = `${tenant === undefined ? "" : ` --tenant ${shellWord(tenant)}`}${mailbox === undefined ? "" : ` --mailbox ${shellWord(mailbox)}`}`;
  return `npx mailfleet sandbox fault add ${shellWord(name)}${where}${forMs === undefined ? "" : ` --for ${forMs / minuteMs}m`}${options}`;
}
