export type {
  Cloud,
  Config,
  ConfigProblem,
  ConfigResult,
  ConfigWarning,
  ConsoleAuth,
  ConsoleConfig,
  Credential,
  Endpoints,
  MailboxConfig,
  MailEndpoint,
  OidcAuth,
  RedisTarget,
  SyncConfig,
  TenantConfig,
  TokenCacheConfig,
  WorkerConfig,
} from "./config.ts";
export { addressProblem } from "./addresses.ts";
export { type ConfigKey, configKeys } from "./config-keys.ts";
export { environmentLeaves, environmentName, type Environment, identityVariables } from "./environment.ts";
export { readLocalFile, type FileContent, type ReadFile } from "./files.ts";
export { isLoopback } from "./hosts.ts";
export { loadConfig, secretsOf, type LoadOptions } from "./load-config.ts";
export {
  createMailboxCsvReader,
  type MailboxCsv,
  type MailboxCsvColumn,
  type MailboxCsvProblem,
  type MailboxRow,
  parseMailboxCsv,
} from "./mailbox-csv.ts";
export { formatProblems, problemSentence } from "./problems.ts";
export { oidcCallbackPath } from "./resolve-console.ts";
export { configJsonSchema } from "./schema.ts";
export { readYaml } from "./yaml-source.ts";
