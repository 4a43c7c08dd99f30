import path from "node:path";
import { expect, test } from "vitest";
import { commonJsNamesIn, withPlaces } from "./source-places.mjs";

const build = { out: path.resolve("/repo/built"), entries: new Map([[path.resolve("/repo/packages/mime/src/task.ts"), "task.mjs"]]) };
const file = path.resolve("/repo/packages/mime/src/lanes/parser.ts");
const dir = `process.getBuiltinModule("node:path").join(import.meta.dirname, "../packages/mime/src/lanes")`;

test.each([
  [
    `read(new URL("../../package.json", import.meta.url))`,
    `read(new URL("../../package.json", new URL("../packages/mime/src/lanes/parser.ts", import.meta.url).href))`,
  ],
  ["createRequire(import.meta.url)", `createRequire(new URL("../packages/mime/src/lanes/parser.ts", import.meta.url).href)`],
  [
    "new URL(`../${name}.ts`, import.meta.url)",
    'new URL(`../${name}.ts`, new URL("../packages/mime/src/lanes/parser.ts", import.meta.url).href)',
  ],
  ["const web = import.meta.dirname", `const web = ${dir}`],
  ["join(__dirname, 'worker.js')", `join(${dir}, 'worker.js')`],
  ["typeof __filename", `typeof process.getBuiltinModule("node:path").join(import.meta.dirname, "../packages/mime/src/lanes/parser.ts")`],
])("%s means what it meant in the source", (source, built) => {
  expect(withPlaces(source, file, build)).toBe(built);
});

test("the address of a program that is built is that of what was built of it", () => {
  const source = `start(new URL("../task.ts", import.meta.url).href); // import.meta.url`;
  expect(withPlaces(source, file, build)).toBe(`start(new URL("./task.mjs", import.meta.url).href); // import.meta.url`);
});

test.each(["a.__dirname", "({ __dirname: 1 })", "const text = '__dirname import.meta.url'", "// __filename"])("%s stays", (source) => {
  expect(withPlaces(source, file, build)).toBeUndefined();
  expect(commonJsNamesIn(source, "x.mjs")).toEqual([]);
});

test.each(["import.meta.resolve('x')", "const { url } = import.meta", "import.meta['url']"])("%s ends the build", (source) => {
  expect(() => withPlaces(source, file, build)).toThrow(/parser\.ts: this use of import\.meta/);
});

test("what cannot be read as a module's text ends the build, with the file's name", () => {
  expect(() => withPlaces("import.meta.url = (", file, build)).toThrow(/parser\.ts: /);
});

test("names that only CommonJS has are found in what was built", () => {
  expect(commonJsNamesIn("x(__dirname, y.__filename)", "x.mjs")).toEqual(["__dirname"]);
});
