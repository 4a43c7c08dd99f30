import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { redact } from "@mailfleet/telemetry";
import { expect, test } from "vitest";
import { readJson, readWorkspace, repository } from "./workspace.ts";

const sources = readWorkspace(repository)
  .flatMap((one) => one.files)
  .map((file) => ({ file, text: readFileSync(path.join(repository, file), "utf8") }));

test("no script for Redis is put together from values", () => {
  // T16: what reaches EVAL is constant text; values go as KEYS and ARGV.
  const assembled = sources.filter(
    ({ text }) => /\.(eval|evalsha|script)\(\s*`[^`]*\$\{/.test(text) || /\blua\s*:\s*`[^`]*\$\{/.test(text),
  );
  expect(assembled.map(({ file }) => file)).toEqual([]);
});

test("no line of the log is about a field that the log leaves out", () => {
  const lost = sources
    .filter(({ file }) => !/\.(test|fixture)\.ts$|testkit|sandbox/.test(file))
    .flatMap(({ file, text }) =>
      [...text.matchAll(/\blog\.(?:debug|info|warn|error)\(\s*\{([^{}]*)\}/g)].flatMap(([, fields = ""]) =>
        [...fields.matchAll(/(?:^|,)\s*(\w+)\s*(?=[:,]|$)/g)].flatMap(([, name = ""]) =>
          Object.hasOwn(redact({ [name]: "x" }, (one) => one) as object, name) ? [] : [`${file}: ${name}`],
        ),
      ),
    );
  expect(lost).toEqual([]);
});

test("a document that a comment names is in the repository, so that whoever reads it can follow", () => {
  const folders = [".", "docs", "docs/decisions"];
  const known = new Set(folders.flatMap((folder) => readdirSync(path.join(repository, folder))).filter((name) => name.endsWith(".md")));
  const named = sources.flatMap(({ file, text }) =>
    [...text.matchAll(/(?:^\s*\*|\/\*\*?|\/\/)(.*)$/gm)].flatMap(([, comment = ""]) =>
      [...comment.matchAll(/[\w.-]+\.md\b/g)].map(([name]) => ({ file, name })),
    ),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter(({ name }) => !known.has(name))).toEqual([]);
});

test("nothing happens when a module is imported", () => {
  // Only an app's main.ts, and what is started as a process or thread of its own, may act at the top level.
  const entries = /(^|\/)(main|[a-z-]+-(main|task|thread))\.ts$/;
  const acting = sources.filter(
    ({ file, text }) =>
      !entries.test(file) && !file.endsWith(".test.ts") && /^(await |setInterval\(|setTimeout\(|process\.(on|once|exit)\()/m.test(text),
  );
  expect(acting.map(({ file }) => file)).toEqual([]);
});

test("the image's recipe knows every package of the workspace", () => {
  const recipe = readFileSync(path.join(repository, "Dockerfile"), "utf8");
  const lock = readJson(path.join(repository, "package-lock.json")) as { packages: Record<string, unknown> };
  const dirs = Object.keys(lock.packages).filter((name) => name !== "" && !name.includes("node_modules/"));
  expect(dirs.filter((dir) => !recipe.includes(`COPY ${dir}/package.json ${dir}/\n`))).toEqual([]);
});
