import { systemClock } from "@mailfleet/runtime";
import { startPrivateRedis } from "@mailfleet/store";

/** What `up` does with its Redis, as a process that a test kills: `node private-redis-parent.ts DIR`. Says what it has, and stays. */
const [dir = ""] = process.argv.slice(2);
const redis = await startPrivateRedis({ dir, clock: systemClock, searchPath: process.env["PATH"] ?? "" });
process.stdout.write(`${JSON.stringify({ pid: redis.pid, port: redis.port, adopted: redis.adopted })}\n`);
setInterval(() => undefined, 60_000);
