import { EventEmitter } from "node:events";
import { queryObjects } from "node:v8";
import { isMainThread } from "node:worker_threads";

/** What a role's main thread holds after a full garbage collection. */
export interface Probed {
  readonly heapMb: number;
  /** Timers that run, sockets, files and the like that keep a process alive, by kind. */
  readonly resources: Readonly<Record<string, number>>;
  /** Objects that are reachable, by class. A listener or a callback that nobody takes away is a function that stays. Of a whole probe. */
  readonly objects?: Readonly<Record<string, number>>;
}

const megabyte = 1024 * 1024;
const classes = {
  functions: Function,
  emitters: EventEmitter,
  timers: timerClass(),
  abortSignals: AbortSignal,
  promises: Promise,
};

/**
 * Loaded into a role before its own code (`--import`): answers each `{type: "probe", id, isWhole}` of its parent. Counting a class collects
 * garbage first and walks the heap, some tens of milliseconds in which the role does nothing else; a probe that is not whole does it once.
 */
if (isMainThread && process.send) {
  process.on("message", (message) => {
    if (typeof message === "object" && message !== null && "type" in message && message.type === "probe")
      process.send?.({
        type: "probed",
        id: "id" in message ? message.id : undefined,
        probed: probe("isWhole" in message && message.isWhole === true),
      });
  });
}

function probe(isWhole: boolean): Probed {
  const count = (one: (typeof classes)[keyof typeof classes]): number => queryObjects(one, { format: "count" });
  const timers = count(classes.timers);
  const objects = isWhole && { ...Object.fromEntries(Object.entries(classes).map(([name, one]) => [name, count(one)])), timers };
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { heapMb: process.memoryUsage().heapUsed / megabyte, resources, ...(objects && { objects }) };
}

/** Node does not name it anywhere else. */
function timerClass(): new () => NodeJS.Timeout {
  const timer = setTimeout(() => undefined, 0);
  clearTimeout(timer);
  return timer.constructor as new () => NodeJS.Timeout;
}
