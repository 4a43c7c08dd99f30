export { connectRedis, describeTarget, inspectRedis, type RedisHealth, redisOptions } from "./connection.ts";
export { createDueIndex, type DueIndex, type TakeOptions } from "./due-index.ts";
export { createFleetReader, type FleetReader, type MailboxRecord, type ProcessRecord } from "./fleet-reader.ts";
export { createMailboxStore, type MailboxStoreOptions } from "./mailbox-store.ts";
export { createPushLeases, type PushLeasesOptions } from "./push-leases.ts";
export { createTokenCache } from "./token-cache.ts";
export { createMailboxRegistry, type MailboxRegistry, type RegisterCounts } from "./registry.ts";
export { type PrivateRedis, type PrivateRedisOptions, startPrivateRedis } from "./private-redis.ts";
export { readPrivateRedis } from "./redis-files.ts";
