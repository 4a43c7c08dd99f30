import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { loadConfig } from "@mailfleet/config";
import { type Lane, lanes, limits, redisKeys, queueNames } from "@mailfleet/core";
import { root } from "../e2e/fleet.ts";
import { workerNodeFlags } from "@mailfleet/runtime";
import { alertRules } from "@mailfleet/telemetry";
import { chartDir, everything, fleet, helm, kinds, lanesApart, type Manifest, podsOf, render, renderAs } from "./chart.ts";

/** Where the types of each kind are: Kubernetes' own, KEDA's and the Prometheus operator's. */
const modules: Readonly<Record<string, string>> = {
  "apps/v1": "kubernetes-models/apps/v1",
  "autoscaling/v2": "kubernetes-models/autoscaling/v2",
  "keda.sh/v1alpha1": "@kubernetes-models/keda/keda.sh/v1alpha1",
  "monitoring.coreos.com/v1": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
  "networking.k8s.io/v1": "kubernetes-models/networking.k8s.io/v1",
  "policy/v1": "kubernetes-models/policy/v1",
  v1: "kubernetes-models/v1",
};

/** Has the compiler hold manifests against the types of their kinds: what is missing, of another type, or not known at any depth. */
async function compile(manifests: readonly Manifest[]): Promise<string> {
  const dir = await mkdtemp(path.join(root, "test/deploy/.types-"));
  try {
    const lines = manifests.map(({ apiVersion, kind }, i) => `import type { I${kind} as T${i} } from "${modules[apiVersion]}";`);
    const values = manifests.map((manifest, i) => `export const m${i}: T${i} = ${JSON.stringify(manifest, null, 1)};`);
    await writeFile(path.join(dir, "manifests.ts"), [...lines, ...values].join("\n"));
    const compiler = path.join(root, "node_modules/.bin/tsc");
    const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2024", "--types", "node"];
    await promisify(execFile)(compiler, ["--ignoreConfig", ...options, path.join(dir, "manifests.ts")], { cwd: root });
    return "";
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return `${stdout}${stderr}` || String(error);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** @throws Error where there is none */
function theOne(manifests: readonly Manifest[], kind: string, nameEnd = ""): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name.endsWith(nameEnd));
  if (found === undefined) throw new Error(`no ${kind} ${nameEnd}`);
  return found;
}

const specOf = ({ spec }: Manifest): Readonly<Record<string, unknown>> => spec ?? {};

test("helm lints the chart without a complaint", async () => {
  const { code, output } = await helm("lint", "--strict", chartDir, "-f", fleet);
  expect(code, output).toBe(0);
  expect(output).not.toMatch(/\[(WARNING|ERROR)\]/);
});

test("by itself the chart has roles, budgets, policies, a claim and an autoscaler, and no secret", async () => {
  expect(kinds(await render([fleet]))).toEqual([
    "ConfigMap fleet-mailfleet",
    "Deployment fleet-mailfleet-console",
    "Deployment fleet-mailfleet-producer",
    "Deployment fleet-mailfleet-worker",
    "HorizontalPodAutoscaler fleet-mailfleet-worker",
    "NetworkPolicy fleet-mailfleet-console",
    "NetworkPolicy fleet-mailfleet-producer",
    "NetworkPolicy fleet-mailfleet-worker",
    "PersistentVolumeClaim fleet-mailfleet-blobs",
    "PodDisruptionBudget fleet-mailfleet-producer",
    "PodDisruptionBudget fleet-mailfleet-worker",
    "Service fleet-mailfleet-console",
    "Service fleet-mailfleet-metrics",
    "ServiceAccount fleet-mailfleet",
  ]);
});

test("a worker's NODE_OPTIONS have what the image's have, which they replace, and a worker's limit; the other roles keep the image's", async () => {
  const recipe = await readFile(path.join(root, "Dockerfile"), "utf8");
  const ofImage = /NODE_OPTIONS="([^"]+)"/.exec(recipe)?.[1]?.split(" ") ?? [];
  const ofWorker = [...new Set([...ofImage, ...workerNodeFlags])].sort();
  for (const values of [[fleet], [fleet, lanesApart]]) {
    for (const [name, { containers }] of podsOf(await render(values))) {
      const options = containers.flatMap(({ env }) => env).find((one) => one.name === "NODE_OPTIONS")?.value;
      expect([name, options?.split(" ").sort()]).toEqual([name, name === "producer" || name === "console" ? undefined : ofWorker]);
    }
  }
});

describe("all that it can make", () => {
  test("holds against Kubernetes' types", async () => {
    const manifests = [...(await render([fleet])), ...(await render([fleet, everything])), ...(await render([fleet, lanesApart]))];
    expect(kinds(manifests)).toEqual(expect.arrayContaining(["Ingress fleet-mailfleet-console", "ScaledObject fleet-mailfleet-worker"]));
    expect(await compile(manifests)).toBe("");
    const [, pod] = podsOf(manifests)[0] ?? [];
    const misspelt = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "x" },
      spec: { template: { spec: { ...pod, hostNetwrok: true } } },
    };
    expect(await compile([misspelt as unknown as Manifest])).toContain("hostNetwrok");
  });

  test("names no secret's value, only files of Secrets that are there already", async () => {
    const manifests = await render([fleet, everything]);
    expect(manifests.map(({ kind }) => kind)).not.toContain("Secret");
    for (const [role, { volumes, containers }] of podsOf(manifests)) {
      expect(
        volumes.flatMap(({ secret }) => secret?.secretName ?? []),
        role,
      ).toEqual(["mailfleet"]);
      const values = containers.flatMap(({ env }) => env).filter(({ name }) => /PASSWORD|SECRET|KEY/.test(name));
      expect(values, role).toEqual([]);
    }
  });
});

test("every pod gives up what it does not need", async () => {
  for (const [role, pod] of podsOf(await render([fleet]))) {
    expect(pod.automountServiceAccountToken, role).toBe(false);
    expect(pod.securityContext, role).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } });
    for (const container of pod.containers) {
      expect(container.securityContext, role).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      const writable = container.volumeMounts.filter(({ readOnly }) => readOnly !== true).map(({ mountPath }) => mountPath);
      expect(writable, role).toEqual(["/tmp", "/data", "/blobs"]);
    }
    expect(pod.terminationGracePeriodSeconds * 1_000, role).toBeGreaterThan(2 * limits.drainMs);
  }
});

/** What each role makes of its file and its variables. */
function loadedOf(manifests: readonly Manifest[]): readonly (readonly [role: string, loaded: ReturnType<typeof loadConfig>])[] {
  const yaml = manifests.find(({ kind }) => kind === "ConfigMap")?.data?.["mailfleet.yaml"] ?? "";
  return podsOf(manifests).map(([role, { containers }]) => {
    const [container] = containers;
    expect(container?.args).toEqual([role, "--config", "/etc/mailfleet/mailfleet.yaml"]);
    const loaded = loadConfig({
      file: "/etc/mailfleet/mailfleet.yaml",
      cwd: "/data",
      env: Object.fromEntries(container?.env.map(({ name, value = "" }) => [name, value]) ?? []),
      readFile(file) {
        if (file === "/etc/mailfleet/mailfleet.yaml") return { bytes: Buffer.from(yaml) };
        if (file.endsWith("/token-key")) return { bytes: Buffer.from("00".repeat(32)), mode: 0o440 };
        if (file.startsWith("/etc/mailfleet/secrets/mailfleet/")) return { bytes: Buffer.from("a-long-secret-of-somebody"), mode: 0o440 };
        if (file === "/etc/mailfleet/files/mailboxes/contoso.csv") return { bytes: Buffer.from("address\na@contoso.example\n") };
        throw Object.assign(new Error(file), { code: "ENOENT" });
      },
    });
    return [role, loaded] as const;
  });
}

const inBucket = ["blobs.persistence.enabled=false", "config.blobs.s3.bucket=mail-blobs", "config.blobs.s3.region=eu-central-1"];
const byOidc = [
  "config.console.auth.passwordFile=null",
  "config.console.auth.oidc.issuer=https://login.corp.example/realms/ops",
  "config.console.auth.oidc.clientId=mailfleet",
  "config.console.auth.oidc.redirectUri=https://mailfleet.corp.example/login/oidc/callback",
  'config.console.auth.oidc.operators={mail, "ops & co"}',
];
const setAll = (values: readonly string[]): string[] => values.flatMap((value) => ["--set", value]);

test.each<[string, string[]]>([
  ["as it is", []],
  ["in a bucket", inBucket],
  ["with people who sign in elsewhere", byOidc],
  [
    "with a cluster of Redis",
    ["config.redis.url=null", "config.redis.cluster={rediss://a:6380,rediss://b:6380}", "config.redis.username=x", "config.shards=4"],
  ],
  [
    "with sentinels",
    ["config.redis.url=null", "config.redis.sentinels.nodes={rediss://a:26380,rediss://b:26380}", "config.redis.sentinels.name=main"],
  ],
  ["with numbers that Helm writes in its own way", ["config.sync.slice.bytes=67108864", "config.downstream.highWater=2000000"]],
])("the roles start with a configuration that holds, %s", async (_, values) => {
  const manifests = await render([fleet], ...setAll(values));
  for (const [role, loaded] of loadedOf(manifests))
    expect(loaded, role).toMatchObject({ ok: true, warnings: [], config: { metrics: { listen: { port: 9464 } } } });
});

test("the page's commands make every Secret and ConfigMap that the values to begin with name", async () => {
  const page = await readFile(path.join(root, "docs/deploy.md"), "utf8");
  const made = [...page.matchAll(/create (?:secret generic|configmap) (\S+)((?: --from-file=\S+)+)/g)].flatMap(
    ([, name = "", files = ""]) => [...files.matchAll(/--from-file=(\S+)/g)].map(([, file = ""]) => `${name}/${file}`),
  );
  const named = [...(await readFile(fleet, "utf8")).matchAll(/(?:secrets|files)\/([\w./-]+)/g)].map(([, file]) => file);
  expect(new Set(made)).toEqual(new Set(named));
});

test("a changed configuration rolls the pods", async () => {
  const sums = async (...more: string[]): Promise<readonly unknown[]> =>
    (await render([fleet], ...more)).flatMap(({ spec }) => spec?.template?.metadata.annotations["checksum/config"] ?? []);
  const [before, after] = await Promise.all([sums(), sums("--set", "config.sync.pollSeconds=60")]);
  expect(before).toHaveLength(3);
  expect(after).not.toEqual(before);
});

describe("lanes that are apart", () => {
  test("have a deployment, a budget and pods of their own in place of one for both, and one policy", async () => {
    const made = kinds(await render([fleet, lanesApart])).filter((kind) => kind.includes("-worker"));
    expect(made).toEqual([
      "Deployment fleet-mailfleet-worker-backfill",
      "Deployment fleet-mailfleet-worker-fresh",
      "NetworkPolicy fleet-mailfleet-worker",
      "PodDisruptionBudget fleet-mailfleet-worker-backfill",
      "PodDisruptionBudget fleet-mailfleet-worker-fresh",
      "ScaledObject fleet-mailfleet-worker-backfill",
      "ScaledObject fleet-mailfleet-worker-fresh",
      "TriggerAuthentication fleet-mailfleet-worker-backfill",
      "TriggerAuthentication fleet-mailfleet-worker-fresh",
    ]);
  });

  test("are told to their workers, and no pod is chosen by two deployments", async () => {
    const deployments = (await render([fleet, lanesApart])).filter(
      ({ kind, metadata }) => kind === "Deployment" && /-worker-/.test(metadata.name),
    );
    for (const { metadata, spec } of deployments) {
      const lane = metadata.name.replace(/^.*-/, "");
      const [container] = spec?.template?.spec.containers ?? [];
      expect(container?.env).toContainEqual({ name: "MAILFLEET_WORKER_LANE", value: lane });
      expect(container?.args[0]).toBe("worker");
      expect(spec?.["selector"]).toMatchObject({ matchLabels: { "mailfleet/lane": lane } });
      expect(spec?.template?.metadata).toMatchObject({ labels: { "mailfleet/lane": lane, "app.kubernetes.io/component": "worker" } });
    }
  });
});

test("the rules of the operator's Prometheus are those of the file, and lead to the pages where they are said to lie", async () => {
  const rule = theOne(await render([fleet, everything]), "PrometheusRule");
  const [group] = specOf(rule)["groups"] as readonly {
    rules: readonly { alert: string; expr: string; annotations: Record<string, string> }[];
  }[];
  expect(group?.rules.map(({ alert, expr }) => ({ alert, expr }))).toEqual(alertRules().map(({ alert, expr }) => ({ alert, expr })));
  expect(group?.rules[0]?.annotations).toMatchObject({
    summary: alertRules()[0]?.summary,
    runbook_url: "https://docs.corp.example/mailfleet/runbook.md#mailfleetunaccounted",
  });
});

describe("workers are scaled", () => {
  const scalers = async (...more: string[]): Promise<readonly string[]> =>
    kinds(await render([fleet], ...more)).filter((kind) => /Scaled|Autoscaler/.test(kind));
  const address = ["--set", "worker.autoscaling.keda.address=redis.data.svc:6379"];

  test.each<[string, string[], string[]]>([
    ["by KEDA where the cluster has it", ["--api-versions", "keda.sh/v1alpha1", ...address], ["ScaledObject fleet-mailfleet-worker"]],
    ["by CPU where it has not", [], ["HorizontalPodAutoscaler fleet-mailfleet-worker"]],
    ["by nobody where that is wanted", ["--set", "worker.autoscaling.kind=none"], []],
  ])("%s", async (_, more, expected) => {
    expect(await scalers(...more)).toEqual(expected);
  });

  const waitingIn = (lane: Lane, shard: number): readonly string[] =>
    ["wait", "prioritized"].map((set) => `${redisKeys(undefined, shard).bullPrefix}:${queueNames[lane]}:${set}`);
  const watched = (scaled: Manifest): readonly string[] =>
    (specOf(scaled)["triggers"] as readonly { metadata: { listName: string } }[]).map(({ metadata }) => metadata.listName);

  test("by the list and the set that BullMQ keeps what waits in, of every shard and lane", async () => {
    const scaled = theOne(await render([fleet, everything]), "ScaledObject");
    expect(watched(scaled)).toEqual([1, 2].flatMap((shard) => lanes.flatMap((lane) => waitingIn(lane, shard))));
  });

  test("each lane by what waits in it, where they are apart", async () => {
    const manifests = await render([fleet, lanesApart]);
    for (const lane of lanes) {
      const scaled = theOne(manifests, "ScaledObject", `-worker-${lane}`);
      expect(watched(scaled)).toEqual(waitingIn(lane, 1));
      expect(scaled.spec).toMatchObject(
        lane === "fresh" ? { minReplicaCount: 2, maxReplicaCount: 4 } : { minReplicaCount: 1, maxReplicaCount: 10 },
      );
    }
  });
});

test.each(["2026.prod", "1e3", "true", `m${"x".repeat(52)}`])(
  "a release that is called %s has names and labels that Kubernetes takes",
  async (release) => {
    const manifests = await renderAs(release, [fleet, everything]);
    for (const { kind, metadata } of manifests) {
      // RFC 1035: the strictest of them, of Services.
      expect(`${kind} ${metadata.name}`).toMatch(/^\w+ [a-z]([a-z0-9-]{0,61}[a-z0-9])?$/);
      expect(metadata.labels?.["app.kubernetes.io/instance"]).toBe(release);
    }
  },
);

test("a Secret with dots and a long name is mounted under its name, as a volume that Kubernetes takes", async () => {
  const names = ["mailfleet", "mailfleet.prod", `s${"x".repeat(200)}`];
  const more = names.flatMap((name, i) => [
    "--set-string",
    `secrets[${i}]=${name.replaceAll(".", "\\.")}`,
    "--set-string",
    `files[${i}]=${name}`,
  ]);
  for (const [role, { volumes, containers }] of podsOf(await render([fleet], ...more))) {
    const volumeNames = volumes.map(({ name }) => name);
    expect(new Set(volumeNames).size, role).toBe(volumeNames.length);
    for (const name of volumeNames) expect(name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    const mounts = containers[0]?.volumeMounts ?? [];
    expect(mounts.every(({ name }) => volumeNames.includes(name))).toBe(true);
    expect(mounts.map(({ mountPath }) => mountPath)).toEqual(
      expect.arrayContaining(names.flatMap((name) => [`/etc/mailfleet/secrets/${name}`, `/etc/mailfleet/files/${name}`])),
    );
  }
});

test("with a bucket each session of a worker has room for the largest message", async () => {
  const manifests = await render([fleet], ...setAll(inBucket));
  expect(kinds(manifests).filter((kind) => kind.includes("Claim"))).toEqual([]);
  const [, loaded] = loadedOf(manifests).find(([role]) => role === "worker") ?? [];
  const { concurrency, backfillConcurrency } = loaded?.ok === true ? loaded.config.sync : { concurrency: 0, backfillConcurrency: 0 };
  expect(concurrency + backfillConcurrency).toBeGreaterThan(1);
  for (const [role, { volumes }] of podsOf(manifests)) {
    const [, gib = "0"] = /^(\d+)Gi$/.exec(volumes.find(({ name }) => name === "data")?.emptyDir?.sizeLimit ?? "") ?? [];
    expect(Number(gib) * 2 ** 30, role).toBeGreaterThanOrEqual((concurrency + backfillConcurrency) * limits.messageBytes);
  }
});

test("a console with TLS of its own believes nobody's forwarded address", async () => {
  const more = [
    "--set",
    "config.console.trustedProxies=null",
    "--set",
    "config.console.tls.certFile=a",
    "--set",
    "config.console.tls.keyFile=b",
  ];
  const names = async (...args: string[]): Promise<readonly (string | undefined)[]> =>
    podsOf(await render([fleet], ...args)).flatMap(([, { containers }]) => containers.flatMap(({ env }) => env.map(({ name }) => name)));
  expect(await names(...more.slice(0, 2))).toContain("MAILFLEET_CONSOLE_TRUSTED_PROXIES");
  expect(await names(...more)).not.toContain("MAILFLEET_CONSOLE_TRUSTED_PROXIES");
});

test("a budget that is given by minAvailable is that, and not also the default", async () => {
  const manifests = await render(
    [fleet],
    "--set",
    "worker.podDisruptionBudget.minAvailable=1",
    "--set",
    "producer.podDisruptionBudget=null",
  );
  const budgets = manifests.filter(({ kind }) => kind === "PodDisruptionBudget");
  expect(kinds(budgets)).toEqual(["PodDisruptionBudget fleet-mailfleet-worker"]);
  expect(Object.keys(budgets[0]?.spec ?? {})).toEqual(["minAvailable", "selector"]);
});

test("a Redis on another port is reached through the policies", async () => {
  const url = "config.redis.url=rediss://mailfleet@cache.example:6380/2";
  const policies = (await render([fleet], "--set", url)).filter(({ kind }) => kind === "NetworkPolicy");
  expect(policies).toHaveLength(3);
  for (const { spec } of policies) expect(JSON.stringify(spec?.["egress"])).toContain('[{"port":6379},{"port":6380}]');
});

test.each<[string, string[], string]>([
  ["a console without a login", ["-f", fleet, "--set", "config.console.auth=null"], "config.console.auth has to say how people sign in"],
  [
    "an ingress whose name the console does not know",
    ["-f", fleet, "-f", everything, "--set", "console.ingress.host=other.example"],
    "config.console.hosts does not name other.example",
  ],
  [
    "a console with TLS behind an ingress that speaks without",
    ["-f", fleet, "-f", everything, "--set", "config.console.tls.certFile=a"],
    "Use one of them",
  ],
  ["a port of metrics that nobody listens on", ["-f", fleet, "--set", "metrics.port=9100"], "have to name one port"],
  ["no configuration", [], "config"],
  ["a private Redis, which a cluster has not", ["-f", fleet, "--set", "config.redis=null"], "redis"],
  ["a key that each pod would make for itself", ["-f", fleet, "--set", "config.tokenCache=null"], "tokenCache"],
  ["a value that is misspelt", ["-f", fleet, "--set", "worker.replica=3"], "replica"],
  ["blobs that are lost with the pod", ["-f", fleet, "--set", "blobs.persistence.enabled=false"], "they would be lost with the pod"],
  ["fewer workers at most than at least", ["-f", fleet, "--set", "worker.autoscaling.minReplicas=20"], "minReplicas is above maxReplicas"],
  ["one lane without the other", ["-f", fleet, "--set", "worker.lanes.fresh.replicas=1"], "backfill"],
  ["a configuration that leaves history to nobody", ["-f", fleet, "--set", "config.worker.lane=fresh"], "name both in worker.lanes"],
  ["KEDA that does not know which Redis", ["-f", fleet, "--set", "worker.autoscaling.kind=keda"], "keda.address is host:port"],
])("values are refused in words: %s", async (_, args, words) => {
  const { code, output } = await helm("template", "fleet", chartDir, ...args);
  expect(code).not.toBe(0);
  expect(output).toContain(words);
});
