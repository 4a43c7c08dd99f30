// What can be used outside of vitest too: by set-up files, benchmarks and processes of a test.
export {
  audit,
  type AuditedMessage,
  type AuditedName,
  type AuditInput,
  pointersOf,
  type Violation,
  type ViolationKind,
} from "./audit/audit.ts";
export { type TestAuthority, testAuthority } from "./certificates.ts";
export { attachDovecot, type DovecotAddress, type DovecotOptions, type RunningDovecot, startDovecot } from "./dovecot-server.ts";
export { findBinary } from "./find-binary.ts";
export { freePort } from "./free-port.ts";
export type { MaildirMessage } from "./maildir.ts";
export { type RedisClusterNode, type RedisClusterOptions, type RunningRedisCluster, startRedisCluster } from "./redis-cluster.ts";
export { type RunningSentinels, startSentinels } from "./redis-sentinels.ts";
export { attachRedis, type RedisOptions, type RunningRedis, startRedis } from "./redis-server.ts";
export { type ProxyTarget, startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
export { seededChance } from "./seeded-chance.ts";
export type { TokenRequest } from "./test-tokens.ts";
export {
  type RunningTokenEndpoint,
  startTokenEndpoint,
  type TokenEndpointFault,
  type TokenEndpointOptions,
  type TokenEndpointTenant,
} from "./token-endpoint.ts";
export { uniqueName } from "./unique-name.ts";
export { searchFolder, searchText } from "./secret-search.ts";
