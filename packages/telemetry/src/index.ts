export { createLog, type LogOptions, type ProcessLog } from "./log.ts";
export { redact } from "./redact.ts";
export { RepeatLimiter } from "./repeat-limiter.ts";
