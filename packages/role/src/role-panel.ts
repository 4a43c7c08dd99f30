import type { Config } from "@mailfleet/config";
import type { Log } from "@mailfleet/core";
import { type RoleHealth, type RoleMetrics, startRoleServer } from "@mailfleet/telemetry";

/** Where a role shows its numbers and its health: `metrics.listen`, from before the first question to Redis to the end of the drain. */
export interface RolePanel {
  /** Undefined where nobody can ask: a role counts nothing then. */
  readonly metrics: RoleMetrics | undefined;
  /** From now on the role says itself how it is; until then it is alive and not ready. */
  judgeBy(health: () => RoleHealth): void;
}

export interface OpenPanel extends RolePanel {
  /** A sentence: what the start waits for. */
  waitsFor(what: string): void;
  close(): void;
}

/** @throws SyncError CONFIG_INVALID when the address of `metrics.listen` cannot be had */
export async function openPanel(config: Config, log: Log, about: { readonly role: string; readonly version: string }): Promise<OpenPanel> {
  let waiting = "It starts.";
  let judge = (): RoleHealth => ({ isAlive: true, isReady: false, problems: [waiting] });
  // The library that counts is loaded where somebody can ask.
  const metrics = config.metrics && (await import("@mailfleet/telemetry/role-metrics")).createRoleMetrics(about);
  const server =
    config.metrics && metrics && (await startRoleServer({ listen: config.metrics.listen, metrics, log, health: () => judge() }));
  if (server) log.info({ port: server.port }, "metrics and health are shown");
  return {
    metrics,
    judgeBy(health) {
      judge = health;
    },
    waitsFor(what) {
      waiting = what;
    },
    close: () => server?.close(),
  };
}
