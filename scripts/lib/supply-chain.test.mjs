import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { judgeAudit } from "./audit-report.mjs";
import { capture, root } from "./processes.mjs";

describe("the bill of materials", () => {
  const lock = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8"));
  const sbom = async (...apps) => {
    const { code, output } = await capture(process.execPath, [path.join(root, "scripts/sbom.mjs"), ...apps]);
    return { code, output, json: code === 0 ? JSON.parse(output) : undefined };
  };

  test("names everything that a worker installs with its hash and license, as CycloneDX, and nothing of the tests", async () => {
    const { json } = await sbom("worker");
    expect(json).toMatchObject({
      bomFormat: "CycloneDX",
      specVersion: "1.5",
      metadata: { component: { name: "mailfleet", type: "application" } },
    });
    const names = json.components.map(({ name }) => name);
    for (const name of ["bullmq", "ioredis", "imapflow", "mailparser", "pino", "zod", "@azure/msal-node", "@mailfleet/core"])
      expect(names).toContain(name);
    for (const name of ["vitest", "fast-check", "@mailfleet/testkit", "@mailfleet/sandbox", "fastify", "typescript"])
      expect(names).not.toContain(name);
    const foreign = json.components.filter((one) => !one["bom-ref"].startsWith("@mailfleet/"));
    expect(foreign.filter((one) => !one.hashes?.some(({ alg }) => alg === "SHA-512")).map(({ name }) => name)).toEqual([]);
    expect(foreign.filter((one) => !one.licenses?.length || !one.purl.startsWith("pkg:npm/")).map(({ name }) => name)).toEqual([]);
    for (const { name, version, purl } of foreign) {
      const full = decodeURIComponent(purl.slice("pkg:npm/".length))
        .replace(/@[^@]+$/, "")
        .replace(/\?.*$/, "");
      const entries = Object.entries(lock.packages).filter(([where]) => where.endsWith(`node_modules/${full}`));
      expect([name, entries.map(([, entry]) => entry.version)]).toEqual([name, expect.arrayContaining([version])]);
    }
  });

  test("leads from the product to every component, and each edge to a component that is there", async () => {
    const { json } = await sbom();
    const refs = new Set(json.components.map((one) => one["bom-ref"]));
    expect(refs.size).toBe(json.components.length);
    expect(json.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.has(ref))).toEqual([]);
    expect(json.dependencies[0].dependsOn).toHaveLength(4);
    expect(new Set(json.dependencies.slice(1).map(({ ref }) => ref))).toEqual(refs);
  });

  test("of an app that does not exist is none", async () => {
    expect(await sbom("wroker")).toMatchObject({ code: 2, output: expect.stringContaining("There is no app wroker") });
  });
});

describe("an answer of npm audit", () => {
  const report = (vulnerabilities, total) => ({ vulnerabilities, metadata: { vulnerabilities: { total } } });
  const hole = (severity) => ({
    name: "left-pad",
    severity,
    via: [{ title: "pads too far", url: "https://github.com/advisories/GHSA-x" }, "right-pad"],
  });

  test.each([
    ["without a hole is clean", { code: 0, json: report({}, 0), text: "" }, "clean", "none known"],
    ["with lesser ones is clean, and says so", { code: 0, json: report({ a: hole("low") }, 1), text: "" }, "clean", "1 below it"],
    ["with a high one fails", { code: 1, json: report({ a: hole("high") }, 1), text: "" }, "found", "left-pad: high. pads too far"],
    ["with a new severity fails", { code: 1, json: report({ a: hole("dire") }, 1), text: "" }, "found", "left-pad: dire"],
    [
      "that is none, of a registry without the endpoint, is no failure",
      { code: 1, json: { statusCode: 405 }, text: "" },
      "not looked at",
      "(405)",
    ],
    ["that is an error of the registry is no failure", { code: 1, json: { statusCode: 503 }, text: "" }, "not looked at", "(503)"],
    ["that never came is no failure", { code: 1, json: { message: "connect ECONNREFUSED" }, text: "" }, "not looked at", "ECONNREFUSED"],
    ["that is refused is a failure", { code: 1, json: { statusCode: 401 }, text: "E401" }, "failed", "E401"],
    ["that is no JSON is a failure", { code: 1, json: undefined, text: "npm is broken" }, "failed", "npm is broken"],
    ["that finds nothing and fails all the same is a failure", { code: 1, json: report({}, 0), text: "odd" }, "failed", "odd"],
  ])("%s", (_name, answer, outcome, words) => {
    const judged = judgeAudit(answer, "high");
    expect(judged.outcome).toBe(outcome);
    expect(judged.words).toContain(words);
  });
});
