export { createLog, type LogOptions, type ProcessLog } from "./log.ts";
export { redact } from "./redact.ts";
export { RepeatLimiter } from "./repeat-limiter.ts";
export { type FleetFacts, type MailboxFact, showFleet } from "./fleet-metrics.ts";
export { type MetricName, metricCatalogue, type MetricSpec } from "./metric-catalogue.ts";
export { type HealthFacts, judgeHealth, type RoleHealth } from "./role-health.ts";
export { createRoleMetrics, type RoleMetrics } from "./role-metrics.ts";
export { type RoleServer, startRoleServer } from "./role-server.ts";
