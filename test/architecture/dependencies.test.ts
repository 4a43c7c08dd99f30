import path from "node:path";
import { expect, test } from "vitest";
import { type Manifest, readJson, readWorkspace, repository } from "./workspace.ts";

interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
}

/** Libraries that more than one package may have, and why. */
const shared: Readonly<Record<string, string>> = {
  bullmq: "the SDK is published by itself and depends on nothing of the rest",
  ioredis: "the store speaks to Redis; BullMQ in queue wants it as a peer",
  zod: "the shapes of the configuration and of the published event are both schemas",
};

const packages = readWorkspace(repository);
const manifests = [readJson(path.join(repository, "package.json")) as Manifest, ...packages.map((one) => one.manifest)];

test("every dependency is pinned to an exact version", () => {
  const loose = manifests.flatMap((manifest) =>
    [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]
      .flatMap((group) => Object.entries(group ?? {}))
      .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
      .map(([name, version]) => `${manifest.name}: ${name} ${version}`),
  );
  expect(loose).toEqual([]);
});

test("each vendor library belongs to exactly one package", () => {
  const owners = new Map<string, string[]>();
  for (const { manifest, tag } of packages) {
    if (tag === "testkit") continue;
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      if (name.startsWith("@mailfleet/") || name in shared) continue;
      owners.set(name, [...(owners.get(name) ?? []), manifest.name]);
    }
  }
  expect([...owners].filter(([, names]) => names.length > 1)).toEqual([]);
});

test("all versions of one library are the same", () => {
  const versions = new Map<string, Set<string>>();
  for (const manifest of manifests) {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      versions.set(name, (versions.get(name) ?? new Set()).add(version));
    }
  }
  expect([...versions].filter(([, found]) => found.size > 1)).toEqual([]);
});

test("the lock holds a hash for everything that is downloaded, and names no source but the registry in use", () => {
  const lock = readJson(path.join(repository, "package-lock.json")) as { packages: Record<string, LockEntry> };
  const downloaded = Object.entries(lock.packages).filter(([name, entry]) => name.includes("node_modules/") && entry.link !== true);
  expect(downloaded.length).toBeGreaterThan(100);
  expect(downloaded.filter(([, entry]) => entry.integrity?.startsWith("sha512-") !== true).map(([name]) => name)).toEqual([]);
  expect(downloaded.filter(([, entry]) => entry.resolved !== undefined).map(([name]) => name)).toEqual([]);
});

test("the lock fits the manifests", () => {
  const lock = readJson(path.join(repository, "package-lock.json")) as { packages: Record<string, Manifest> };
  for (const { dir, manifest } of packages) {
    const { dependencies = {}, devDependencies = {} } = lock.packages[dir] ?? { name: dir };
    expect({ dir, dependencies, devDependencies }).toEqual({
      dir,
      dependencies: manifest.dependencies ?? {},
      devDependencies: manifest.devDependencies ?? {},
    });
  }
});
