export { startSandbox } from "./start-sandbox.ts";
export type { DeliverOptions, Sandbox, SandboxCounters, SandboxTenant, TruthEntry } from "./start-sandbox.ts";
export { SandboxOptionsError } from "./options.ts";
export type { SandboxOptions, SandboxTenantOptions } from "./options.ts";
export { CorpusError } from "./world/corpus-world.ts";
export { plantedTroubles } from "./troubles.ts";
