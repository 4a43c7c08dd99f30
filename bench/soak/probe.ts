import { EventEmitter } from "node:events";
import { queryObjects } from "node:v8";
import { isMainThread } from "node:worker_threads";

/** What a role's main thread holds after a full garbage collection. */
export interface Probed {
  readonly heapMb: number;
  /** Timers that run, sockets, files and the like that keep a process alive, by kind. */
  readonly resources: Readonly<Record<string, number>>;
  /** Objects that are reachable, by class. A listener or a callback that nobody takes away is a function that stays. */
  readonly objects: Readonly<Record<string, number>>;
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
 * Loaded into a role before its own code (`--import`): answers each `{type: "probe"}` of its parent. Walking the heap takes some tens of
 * milliseconds for each class, so it is asked for seldom.
 */
if (isMainThread && process.send) {
  process.on("message", (message) => {
    if (typeof message === "object" && message !== null && "type" in message && message.type === "probe")
      process.send?.({ type: "probed", probed: probe() });
  });
}

function probe(): Probed {
  const objects = Object.fromEntries(Object.entries(classes).map(([name, one]) => [name, queryObjects(one, { format: "count" })]));
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { heapMb: process.memoryUsage().heapUsed / megabyte, resources, objects };
}

/** Node does not name it anywhere else. */
function timerClass(): new () => NodeJS.Timeout {
  const timer = setTimeout(() => undefined, 0);
  clearTimeout(timer);
  return timer.constructor as new () => NodeJS.Timeout;
}
