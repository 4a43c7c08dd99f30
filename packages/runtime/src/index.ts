export { boundedLookUp, type LookUpLimits } from "./bounded-look-up.ts";
export { compileCacheFolder, shareCompiledCode } from "./compile-cache.ts";
export { goLast } from "./go-last.ts";
export { keepCompiledCode } from "./keep-compiled.ts";
export { readOrMakeKey } from "./key-file.ts";
export { type HostAnswer, type HostQuestion, lookAtHost } from "./look-at-host.ts";
export { createLoopWatch } from "./loop-watch.ts";
export {
  consoleEnvironment,
  consoleNodeFlags,
  imageNodeFlags,
  producerNodeFlags,
  workerEnvironment,
  workerNodeFlags,
} from "./node-flags.ts";
export { settlesWithin } from "./settles-within.ts";
export { type StopSignals, stopSignals } from "./stop-signals.ts";
export { systemChance, systemClock, systemDigest } from "./system.ts";
export { createTlsMemory, type TlsMemory, type TlsMemoryLimits } from "./tls-memory.ts";
export { programVersion } from "./program-version.ts";
