const names = ["SIGTERM", "SIGINT"] as const;

/** Calls back at the first of the signals; a second one ends the process as if nobody listened. Returns how to stop listening. */
export function onStopSignal(stop: () => void): () => void {
  const forget = (): void => {
    for (const name of names) process.off(name, onSignal);
  };
  const onSignal = (): void => {
    forget();
    stop();
  };
  for (const name of names) process.on(name, onSignal);
  return forget;
}
