import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { imageNodeFlags, producerNodeFlags, workerNodeFlags } from "./node-flags.ts";

/** Names what V8 takes compiled code of, Node's own included: another one takes none of it. */
function tagWith(flags: readonly string[], before = ""): string {
  const program = `import { cachedDataVersionTag, setFlagsFromString } from "node:v8"; ${before} console.log(cachedDataVersionTag());`;
  return spawnSync(process.execPath, [...flags, "--input-type=module", "--eval", program], { encoding: "utf8", env: {} }).stdout;
}

test("no role's flags keep it from starting with code that was compiled before, as that of keeping what is compiled would", () => {
  const usual = tagWith([]);
  expect(usual).toMatch(/^\d+\n$/);
  for (const flags of [imageNodeFlags, workerNodeFlags, producerNodeFlags]) expect(tagWith(flags), flags.join(" ")).toBe(usual);
  const kept = tagWith(["--no-flush-bytecode"]);
  expect(kept).not.toBe(usual);
  // So that threads which begin later find theirs, which the image has.
  expect(tagWith(workerNodeFlags, 'setFlagsFromString("--no-flush-bytecode");')).toBe(kept);
});
