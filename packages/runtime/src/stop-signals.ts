export interface StopSignals {
  /** Resolves with what asked for the stop first: a signal's name, or `parent` when the process that started this one went away. */
  readonly asked: Promise<string>;
  /** Calls back for each later request: the second Ctrl-C. */
  onAgain(callback: () => void): void;
  dispose(): void;
}

/**
 * SIGTERM, SIGINT, and the end of the IPC channel of the parent: a role never outlives the `up` that started it.
 * A role that `up` started leaves SIGINT to its parent, because a terminal sends Ctrl-C to all of them at once.
 */
export function stopSignals(options: { readonly leaveInterrupt?: boolean } = {}): StopSignals {
  const { promise, resolve } = Promise.withResolvers<string>();
  const again: (() => void)[] = [];
  let isAsked = false;
  const ask = (what: string): void => {
    if (isAsked) for (const callback of again) callback();
    isAsked = true;
    resolve(what);
  };
  const onTerm = (): void => ask("SIGTERM");
  const onInterrupt = (): void => {
    if (!options.leaveInterrupt) ask("SIGINT");
  };
  const onParentGone = (): void => ask("parent");
  process.on("SIGTERM", onTerm);
  process.on("SIGINT", onInterrupt);
  if (process.channel) process.on("disconnect", onParentGone);
  return {
    asked: promise,
    onAgain: (callback) => void again.push(callback),
    dispose() {
      process.off("SIGTERM", onTerm);
      process.off("SIGINT", onInterrupt);
      process.off("disconnect", onParentGone);
    },
  };
}
