import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import path from "node:path";
import { parseAllDocuments } from "yaml";
import { findBinary } from "@mailfleet/testkit";
import { root } from "../e2e/fleet.ts";

export const chartDir = path.join(root, "deploy/helm/mailfleet");
/** Values of a fleet with one tenant; alone they show the chart's defaults. */
export const fleet = path.join(chartDir, "ci/fleet.yaml");
/** Beside them: all that is off by itself. */
export const everything = path.join(chartDir, "ci/everything.yaml");

/** Beside `fleet`: a deployment of workers for each lane. */
export const lanesApart = path.join(chartDir, "ci/lanes.yaml");

export interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: object;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

/** Of a Deployment, as far as the tests look. */
export interface PodSpec {
  readonly containers: readonly Container[];
  readonly securityContext: object;
  readonly terminationGracePeriodSeconds: number;
  readonly automountServiceAccountToken: boolean;
  readonly volumes: readonly {
    readonly name: string;
    readonly secret?: { readonly secretName: string };
    readonly emptyDir?: { readonly sizeLimit: string };
  }[];
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, unknown>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template?: { readonly metadata: { readonly annotations: Readonly<Record<string, string>> }; readonly spec: PodSpec };
    readonly [key: string]: unknown;
  };
}

export interface HelmRun {
  readonly code: number;
  /** stdout and stderr. */
  readonly output: string;
}

export async function helm(...args: readonly string[]): Promise<HelmRun> {
  // The second is where npm test puts it on a machine that has none.
  const binary = (await findBinary("helm")) ?? globSync(path.join(root, ".mailfleet/tools/helm-*")).at(-1);
  if (binary === undefined) throw new Error("helm is not set up: run the tests by npm test, or install it.");
  // Whatever the machine has of its own (repositories, plugins, a cluster) stays out.
  const env = { PATH: process.env["PATH"], HOME: path.join(root, ".mailfleet"), KUBECONFIG: "/dev/null" };
  return new Promise((resolve) => {
    execFile(binary, args, { env, cwd: root, maxBuffer: 16_000_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, output: `${stdout}${stderr}` });
    });
  });
}

/** What `helm template` makes of these values. @throws Error with Helm's words */
export async function render(values: readonly string[], ...more: readonly string[]): Promise<readonly Manifest[]> {
  return renderAs("fleet", values, ...more);
}

/** Under another release's name. */
export async function renderAs(release: string, values: readonly string[], ...more: readonly string[]): Promise<readonly Manifest[]> {
  const { code, output } = await helm("template", release, chartDir, ...values.flatMap((file) => ["-f", file]), ...more);
  if (code !== 0) throw new Error(output);
  return parseAllDocuments(output).flatMap((document) => {
    for (const error of document.errors) throw error;
    const value = document.toJS() as Manifest | null;
    return value === null ? [] : [value];
  });
}

export const kinds = (manifests: readonly Manifest[]): readonly string[] =>
  manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();

/** Role and pod of each Deployment. */
export function podsOf(manifests: readonly Manifest[]): readonly (readonly [role: string, pod: PodSpec])[] {
  return manifests.flatMap(({ kind, metadata, spec }) =>
    kind === "Deployment" && spec?.template ? [[metadata.name.replace(/^.*-/, ""), spec.template.spec] as const] : [],
  );
}
