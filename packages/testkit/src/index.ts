export { attachRedis, type RedisOptions, type RunningRedis, startRedis } from "./redis-server.ts";
export { findBinary } from "./find-binary.ts";
export { freePort } from "./free-port.ts";
export { uniqueName } from "./unique-name.ts";
export { describeSharedTokenCache, type SharedTokenCacheHarness } from "./conformance/shared-token-cache.ts";
export { createMemoryTokenCache } from "./fakes/memory-token-cache.ts";
