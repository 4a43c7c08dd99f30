export {
  audit,
  type AuditedMessage,
  type AuditedName,
  type AuditInput,
  pointersOf,
  type Violation,
  type ViolationKind,
} from "./audit/audit.ts";
export { type AppCertificateOptions, makeAppCertificate, type TestAuthority, testAuthority } from "./certificates.ts";
export { attachDovecot, type DovecotAddress, type DovecotOptions, type RunningDovecot, startDovecot } from "./dovecot-server.ts";
export type { MaildirMessage } from "./maildir.ts";
export type { UidlStyle } from "./dovecot-config.ts";
export type { TokenRequest } from "./test-tokens.ts";
export { type RedisClusterNode, type RedisClusterOptions, type RunningRedisCluster, startRedisCluster } from "./redis-cluster.ts";
export { type RunningSentinels, startSentinels } from "./redis-sentinels.ts";
export { attachRedis, type RedisOptions, type RunningRedis, startRedis } from "./redis-server.ts";
export { findBinary } from "./find-binary.ts";
export { freePort } from "./free-port.ts";
export { uniqueName } from "./unique-name.ts";
export { describeSharedTokenCache, type SharedTokenCacheHarness } from "./conformance/shared-token-cache.ts";
export { describeMailSession } from "./conformance/mail-session.ts";
export { describeSpoolSession, type SpoolNumbers, type SpoolWorld } from "./conformance/spool-session.ts";
export { type ImapWorldOptions, type MailWorld, type NewMail, openImapWorld } from "./conformance/mail-world.ts";
export { type MailClient, type MailClientOptions, openMailClient } from "./mail-client.ts";
export { describeBreakers } from "./conformance/breakers.ts";
export { describePushLeases, type PushLeasesHarness } from "./conformance/push-leases.ts";
export { createMemoryPushLeases, type MemoryPushLeases } from "./fakes/memory-push-leases.ts";
export { type BlobStoreHarness, describeBlobStore } from "./conformance/blob-store.ts";
export { createMemoryBlobStore, type MemoryBlobStore } from "./fakes/memory-blob-store.ts";
export { describeFleetStore, type FleetStoreHarness, type FleetStorePorts } from "./conformance/fleet-store.ts";
export {
  type AppliedCommit,
  createMemoryFleet,
  type FleetJob,
  type FleetProcess,
  type MailboxFacts,
  type MemoryFleet,
  type MemoryFleetOptions,
} from "./fakes/memory-fleet.ts";
export type { MessageName } from "./fakes/memory-mail-folder.ts";
export {
  createMemoryMailServer,
  type DeliverOptions,
  type MemoryMailbox,
  type MemoryMailServer,
  type MemoryMailServerOptions,
  type MessageTruth,
} from "./fakes/memory-mail-server.ts";
export { createMemorySignals, type MemorySignals } from "./fakes/memory-signals.ts";
export { createMemoryTokenSource, noSlots, plainParser } from "./fakes/small-ports.ts";
export { createMemoryCredentialNotes } from "./fakes/memory-credential-notes.ts";
export { createMemoryTokenCache } from "./fakes/memory-token-cache.ts";
export { eachMessage } from "./each-message.ts";
export { describeCredentialNotes } from "./conformance/credential-notes.ts";
export { type FakeClock, fakeClock } from "./fake-clock.ts";
export { type LogRecord, recordingLog, type RecordingLog, silentLog } from "./recording-log.ts";
export { type ScriptedServer, type ScriptedServerOptions, type ScriptStep, startScriptedServer } from "./scripted-server.ts";
export { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "./otlp-receiver.ts";
export { type S3Fault, type S3Request, type S3Server, startS3Server } from "./s3-server.ts";
export { seededChance } from "./seeded-chance.ts";
export { type ProxyTarget, startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
export {
  type RunningTokenEndpoint,
  startTokenEndpoint,
  type TokenEndpointFault,
  type TokenEndpointOptions,
  type TokenEndpointTenant,
} from "./token-endpoint.ts";
export { type IdTokenFault, type OidcProvider, type OidcProviderOptions, startOidcProvider } from "./oidc-provider.ts";
export { sharedDovecot, sharedRedisUrl } from "./shared-services.ts";
export { findSecrets, searchFolder, searchText } from "./secret-search.ts";
