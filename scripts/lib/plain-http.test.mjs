import { spawnSync } from "node:child_process";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";
import { plainHttp } from "./plain-http.mjs";

const source = `
import http, { createServer } from "http";
import * as all from "node:http";
const isLoaded = process.moduleLoadList.some((name) => name.endsWith("internal/deps/undici/undici"));
console.log(JSON.stringify([isLoaded, createServer === http.createServer, all.STATUS_CODES[404]]));
`;

const run = (code) => JSON.parse(spawnSync(process.execPath, ["--input-type=module", "--eval", code], { encoding: "utf8" }).stdout);

async function built(plugins) {
  const given = {
    name: "given",
    resolveId: (name) => (name === "given" ? name : undefined),
    load: (name) => (name === "given" ? source : undefined),
  };
  const build = await rolldown({ input: "given", platform: "node", plugins: [given, ...plugins] });
  const { output } = await build.generate({ format: "esm" });
  return output[0].code;
}

test("what is built has Node's HTTP without the client that comes with its module", async () => {
  expect(run(await built([]))).toEqual([true, true, "Not Found"]);
  expect(run(await built([plainHttp()]))).toEqual([false, true, "Not Found"]);
});
