import { comingUp, comingUpWords } from "@mailfleet/core";
import type { ComingUpItem, FleetPage, ProcessItem } from "@mailfleet/core/console";
import type { ProcessRecord } from "@mailfleet/store";
import type { PageSources } from "./page-sources.ts";

/** Nothing moves without one of each. */
const neededRoles = ["producer", "worker"];

export async function fleetPage(sources: PageSources): Promise<FleetPage> {
  const [processes, upcoming] = await Promise.all([sources.processes(), comingUpItems(sources)]);
  const pushes = processes.flatMap(({ push }) => push ?? []);
  return {
    summary: sources.live.memory.summary,
    comingUp: upcoming,
    processes: processes.map(processItem),
    missingRoles: neededRoles.filter((role) => !processes.some((one) => one.role === role)),
    ...(pushes.length > 0 && {
      push: {
        chosen: Math.max(...pushes.map(({ chosen }) => chosen)),
        connected: pushes.reduce((sum, { connected }) => sum + connected, 0),
      },
    }),
  };
}

export function processItem({ id, role, seenAt, troubles = [] }: ProcessRecord): ProcessItem {
  return { id, role, seenAt, troubles };
}

/** The same as `mailfleet status` has under "Coming up". */
export async function comingUpItems(sources: PageSources, tenant?: string): Promise<readonly ComingUpItem[]> {
  const { view } = sources.live.memory;
  const mailboxesOf = (alias: string): number => view.tenants.find((one) => one.alias === alias)?.mailboxes ?? 0;
  const tenants = sources.tenants().filter(({ alias }) => tenant === undefined || alias === tenant);
  const now = sources.clock.now();
  return comingUp(tenants, await sources.notes(), mailboxesOf, now).map((one) => {
    const { command } = comingUpWords(one, now, "utc");
    return { ...one, ...(command !== undefined && { command: `${command}${sources.options}` }) };
  });
}
