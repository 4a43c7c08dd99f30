import { setFlagsFromString } from "node:v8";
import type { Piscina } from "piscina";

/** One task is read while the next one lies beside it: a thread that had to ask for more would wait for our event loop after each. */
export const tasksOfThread = 2;

/**
 * V8 sizes each heap that is made by the flags that the process was started with, above what a thread is given: a thread for one hostile
 * message would have the whole process' heap. The main thread has its heap by now, and the flags are its alone from here on.
 */
export function giveThreadsTheirOwnLimits(): void {
  setFlagsFromString("--max-semi-space-size=0");
  setFlagsFromString("--max-old-space-size=0");
}

/** @param heapMb JavaScript heap of a thread. @param young of it, for three semi-spaces. @param compileCache its folder */
export function poolOptions(heapMb: number, young: number, compileCache: string | undefined) {
  return {
    filename: new URL("./parse-task.ts", import.meta.url).href,
    name: "parseBatch",
    // parsing needs no secret of ours (T03)
    env: compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache },
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: young },
    recordTiming: false,
    workerHistogram: false,
  };
}

/** A thread as the pool shows it. */
type Thread = Parameters<NonNullable<NonNullable<ConstructorParameters<typeof Piscina>[0]>["loadBalancer"]>>[1][number];

/** The pool's own gives a thread nothing beside a task that can be stopped, and counts one as busy without end; all of ours can. */
export function leastBusy(_task: unknown, threads: readonly Thread[]): Thread | null {
  const tasksOf = (one: Thread): number => (one.isRunningAbortableTask ? 1 : one.currentUsage);
  const [least] = threads.filter((one) => tasksOf(one) < tasksOfThread).sort((a, b) => tasksOf(a) - tasksOf(b));
  return least ?? null;
}
