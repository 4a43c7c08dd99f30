import { makeAppCertificate } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { commandSamples, problemOfCommand } from "./command-samples.ts";
import { configSamples, problemsOfSample } from "./config-samples.ts";
import { documents } from "./documents.ts";
import { codeBlocks } from "./markdown.ts";
import { typeProblems } from "./typed-samples.ts";

/** What changed in the past, and decisions, show what was so then. */
const pages = documents().filter(({ file }) => file !== "CHANGELOG.md" && !file.startsWith("docs/decisions/"));

const pem = await makeAppCertificate();

test("every sample of a configuration is one that the program takes", () => {
  const samples = configSamples(pages);
  expect(samples.length).toBeGreaterThan(7);
  expect(samples.flatMap((sample) => problemsOfSample(sample, pem).map((problem) => [sample.place, problem]))).toEqual([]);
});

test("a sample with a misspelt key is found", () => {
  expect(problemsOfSample({ text: "sync: { pollSecond: 300 }\n" }, pem)).toMatchObject([{ path: "sync.pollSecond" }]);
  expect(problemsOfSample({ text: "sync: { pollSeconds: 300 }\n" }, pem)).toEqual([]);
});

test("every command in the pages is one that the command line takes", async () => {
  const samples = commandSamples(pages);
  expect(samples.length).toBeGreaterThan(100);
  const problems: string[] = [];
  for (const sample of samples) {
    const problem = await problemOfCommand(sample);
    if (problem !== undefined) problems.push(`${sample.place}: ${sample.args.join(" ")}: ${problem}`);
  }
  expect(problems).toEqual([]);
});

test.each([
  ["a verb that is not there", "npx mailfleet staus", "unknown command 'staus'"],
  ["a flag that is not there", "npx mailfleet up --onse   in a page", "unknown option '--onse'"],
  ["a flag of a synopsis", "npx mailfleet prove [MAILBOX] [--tenent T]", "has no --tenent"],
  ["a choice that is not there", "FORCE_COLOR=1 npx mailfleet status --color blue | cat", "--color"],
  ["a flag behind npm start", "npm start -- --onec", "--onec"],
])("%s is found", async (_name, line, words) => {
  const [sample] = commandSamples([{ file: "a.md", text: `\`\`\`\n${line}\n\`\`\`\n` }]);
  expect(await problemOfCommand(sample as NonNullable<typeof sample>)).toContain(words);
});

test("every TypeScript sample fits the types of what it imports", { timeout: 120_000 }, async () => {
  const blocks = pages.flatMap(({ file, text }) => codeBlocks(file, text)).filter(({ info }) => info === "ts" || info === "js");
  expect(blocks.length).toBeGreaterThan(4);
  expect(await typeProblems(blocks)).toBe("");
});
