export { readOrMakeKey } from "./key-file.ts";
export { workerNodeFlags } from "./node-flags.ts";
export { type StopSignals, stopSignals } from "./stop-signals.ts";
export { systemChance, systemClock } from "./system.ts";
