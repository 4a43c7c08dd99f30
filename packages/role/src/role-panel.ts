import type { Config } from "@mailfleet/config";
import type { Log } from "@mailfleet/core";
import type { RoleHealth, RoleMetrics, RoleServer } from "@mailfleet/telemetry";

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
  const shown = config.metrics && (await show(config.metrics.listen, log, about, () => judge()));
  if (shown) log.info({ port: shown.server.port }, "metrics and health are shown");
  return {
    metrics: shown?.metrics,
    judgeBy(health) {
      judge = health;
    },
    waitsFor(what) {
      waiting = what;
    },
    close: () => shown?.server.close(),
  };
}

/** Read where somebody can ask: the library that counts, and Node's HTTP, which brings all of its web client along. */
async function show(
  listen: NonNullable<Config["metrics"]>["listen"],
  log: Log,
  about: { readonly role: string; readonly version: string },
  health: () => RoleHealth,
): Promise<{ readonly metrics: RoleMetrics; readonly server: RoleServer }> {
  const [{ createRoleMetrics }, { startRoleServer }] = await Promise.all([
    import("@mailfleet/telemetry/role-metrics"),
    import("@mailfleet/telemetry/role-server"),
  ]);
  const metrics = createRoleMetrics(about);
  return { metrics, server: await startRoleServer({ listen, metrics, log, health }) };
}
