export { startSandbox } from "./start-sandbox.ts";
export type { Sandbox, SandboxCounters, SandboxTenant, TruthEntry } from "./start-sandbox.ts";
export type { DeliverOptions, MailControls } from "./mail-controls.ts";
export type { FetchFault, PaddedFault } from "./imap/services.ts";
export { SandboxOptionsError } from "./options.ts";
export type { SandboxOptions, SandboxTenantOptions } from "./options.ts";
export { CorpusError } from "./world/corpus-world.ts";
export { plantedTroubles } from "./troubles.ts";
