import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { lanes, limits } from "@mailfleet/core";
import { workerEnvironment, workerNodeFlags } from "@mailfleet/runtime";
import { root } from "../e2e/fleet.ts";

const folder = path.join(root, "deploy/systemd");
const units = readdirSync(folder).filter((name) => name.endsWith(".service"));

/** Values of a unit's key in all sections, in order. */
function valuesOf(unit: string, key: string): readonly string[] {
  const lines = readFileSync(path.join(folder, unit), "utf8").split("\n");
  return lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
}

/** From `User=` on: what keeps a unit from the rest of the machine. */
const confinement = (unit: string): string => /\nUser=[^]*\n\[Install\]/.exec(readFileSync(path.join(folder, unit), "utf8"))?.[0] ?? "";

test.each([
  ["mailfleet.service", "up"],
  ["mailfleet-role@.service", "%i"],
  ["mailfleet-worker@.service", "worker"],
  ["mailfleet-worker-fresh@.service", "worker"],
  ["mailfleet-worker-backfill@.service", "worker"],
])("%s runs the command line's %s, and drains before it is killed", (unit, verb) => {
  const [start = ""] = valuesOf(unit, "ExecStart");
  const [, file = "", found] =
    /^\/usr\/bin\/node (?:--\S+ )*\/opt\/mailfleet\/(\S+) (\S+) --config \/etc\/mailfleet\/mailfleet\.yaml\b/.exec(start) ?? [];
  expect(found).toBe(verb);
  expect(existsSync(path.join(root, file)), file).toBe(true);
  expect(Number(valuesOf(unit, "TimeoutStopSec")[0]) * 1_000).toBeGreaterThan(2 * limits.drainMs);
  expect(valuesOf(unit, "RestartPreventExitStatus")).toEqual(["2"]);
});

test.each(["mailfleet-worker@.service", "mailfleet-worker-fresh@.service"])("%s has what a worker must have from its start", (unit) => {
  for (const flag of workerNodeFlags) expect(valuesOf(unit, "ExecStart")[0]).toContain(` ${flag} `);
  const given = valuesOf(unit, "Environment").join(" ").split(" ");
  for (const [name, value] of Object.entries(workerEnvironment)) expect(given).toContain(`${name}=${value}`);
});

test("a unit for one lane names it by the last word before its @, which systemd has as %j", () => {
  for (const lane of lanes) expect(valuesOf(`mailfleet-worker-${lane}@.service`, "ExecStart")[0]).toMatch(/ worker .* --lane %j$/);
});

test("all units are confined alike", () => {
  expect(units).toHaveLength(5);
  expect(confinement("mailfleet.service")).toContain("ProtectSystem=strict");
  expect(new Set(units.map(confinement)).size).toBe(1);
});
