import type { Redis } from "ioredis";

export type RunScript = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

/** A script that is run often: sent by its hash, and whole only where Redis does not know it. @param name unlike any command of Redis */
export function storedScript(redis: Redis, name: string, lua: string): RunScript {
  redis.defineCommand(name, { lua });
  const command = (redis as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>)[name];
  if (command === undefined) throw new Error(`ioredis did not define ${name}`);
  return (keys, args) => command.call(redis, keys.length, ...keys, ...args);
}
