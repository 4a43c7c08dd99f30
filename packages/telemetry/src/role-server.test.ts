import { createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { RoleHealth } from "./role-health.ts";
import { createRoleMetrics } from "./role-metrics.ts";
import { type RoleServer, startRoleServer } from "./role-server.ts";

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
let running: RoleServer | undefined;
afterEach(() => {
  running?.close();
  running = undefined;
});

async function open(health: RoleHealth, read = createRoleMetrics({ role: "worker", version: "0" }).read): Promise<string> {
  running = await startRoleServer({ listen: { host: "127.0.0.1", port: 0 }, metrics: { read }, health: () => health, log });
  return `http://127.0.0.1:${running.port}`;
}

const well: RoleHealth = { isAlive: true, isReady: true, problems: [] };

test("shows metrics in Prometheus' text format and health by status codes", async () => {
  const url = await open({ isAlive: true, isReady: false, problems: ["Redis did not answer for 40 s."] });
  const metrics = await fetch(`${url}/metrics`);
  expect(metrics.status).toBe(200);
  expect(metrics.headers.get("content-type")).toContain("version=0.0.4");
  expect(await metrics.text()).toContain("mailfleet_build_info");
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toBe("not ready\nRedis did not answer for 40 s.\n");
});

test("a scrape that fails says so without the reason, and the next one is answered", async () => {
  let fails = true;
  const url = await open(well, () =>
    fails ? Promise.reject(new Error("secret words")) : Promise.resolve({ contentType: "text/plain", text: "ok\n" }),
  );
  const failed = await fetch(`${url}/metrics`);
  expect(failed.status).toBe(503);
  expect(await failed.text()).not.toContain("secret words");
  fails = false;
  expect(await (await fetch(`${url}/metrics`)).text()).toBe("ok\n");
});

test("nothing else is there, and nothing can be written", async () => {
  const url = await open(well);
  expect((await fetch(`${url}/../etc/passwd`)).status).toBe(404);
  expect((await fetch(`${url}/metrics`, { method: "POST", body: "x" })).status).toBe(405);
});

test("an address in use is a problem of the configuration, named with what to do", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as { port: number };
  const metrics = createRoleMetrics({ role: "worker", version: "0" });
  const starting = startRoleServer({ listen: { host: "127.0.0.1", port }, metrics, health: () => well, log });
  await expect(starting).rejects.toThrow(`metrics.listen: 127.0.0.1:${port} is in use by another program`);
  other.close();
});
