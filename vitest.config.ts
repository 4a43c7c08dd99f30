import { defineConfig } from "vitest/config";

const redis = "./test/setup/redis.ts";
const faults = "./test/setup/faults.ts";
const dovecot = "./test/setup/dovecot.ts";
const properties = "./test/setup/properties.ts";
/** The suffix of a test file says what the test needs; everything else is a unit test and needs nothing. */
const withServices = [
  "**/*.fault.test.ts",
  "**/*.redis.test.ts",
  "**/*.imap.test.ts",
  "**/*.crash.test.ts",
  "**/*.e2e.test.ts",
  "**/*.helm.test.ts",
];
const elsewhere = ["**/node_modules/**", "**/.mailfleet/**"];
/** Limits are for what hangs, and not for a machine that does other things too: vitest gives up polling after a second, and hooks after ten. */
const patient = { expect: { poll: { timeout: 15_000 } }, hookTimeout: 60_000, setupFiles: [properties] };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...patient,
          name: "unit",
          include: [
            "packages/*/src/**/*.test.ts",
            "apps/*/src/**/*.test.ts",
            "bench/**/*.test.ts",
            "scripts/**/*.test.mjs",
            "test/architecture/**/*.test.ts",
            "test/deploy/**/*.test.ts",
            "test/docs/**/*.test.ts",
            "test/faults/**/*.test.ts",
            "test/pictures/**/*.test.ts",
          ],
          exclude: [...elsewhere, ...withServices],
          // Property tests take seconds on a machine that does other things too.
          testTimeout: 90_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...patient,
          name: "redis",
          include: [
            "packages/*/src/**/*.redis.test.ts",
            "apps/*/src/**/*.redis.test.ts",
            "test/{docs,pictures,service}/**/*.redis.test.ts",
          ],
          exclude: elsewhere,
          globalSetup: [redis],
          testTimeout: 60_000,
          // Most of these tests wait: on two cores one file at a time leaves more than half of the processor idle. Each has a Redis of its own or its own prefix.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...patient,
          name: "imap",
          include: ["packages/*/src/**/*.imap.test.ts", "apps/*/src/**/*.imap.test.ts", "test/service/**/*.imap.test.ts"],
          exclude: elsewhere,
          globalSetup: [dovecot],
          testTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...patient,
          name: "helm",
          include: ["test/deploy/**/*.helm.test.ts"],
          // The compiler reads Kubernetes' types.
          testTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          ...patient,
          name: "crash",
          include: ["test/crash/**/*.crash.test.ts"],
          // Each test is some hundred runs; on a busy machine they take their time.
          testTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          ...patient,
          name: "faults",
          include: ["test/faults/**/*.fault.test.ts"],
          globalSetup: [faults],
          // Four times what the slowest takes alone: it also runs where everything else does.
          testTimeout: 300_000,
          // Most of a fault is waiting for a limit of 30 s: side by side they fit into a minute. Each has a Redis of its own.
          maxConcurrency: 12,
          maxWorkers: 4,
          sequence: { groupOrder: 4, concurrent: true },
        },
      },
      {
        test: {
          ...patient,
          name: "e2e",
          include: ["test/e2e/**/*.e2e.test.ts"],
          globalSetup: [redis, dovecot],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          // Each starts whole fleets of processes; side by side they would only fight for the processor.
          maxWorkers: 1,
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
});
