import { spawn } from "node:child_process";
import { root } from "./processes.mjs";

/** One command of npm in the repository; `json` is what it printed, undefined where that was none. */
export async function run(args) {
  // As npm started us, or the one on the path: through its script, since a shell would be needed on Windows.
  const script = process.env.npm_execpath;
  const child = script === undefined ? spawn("npm", args, { cwd: root }) : spawn(process.execPath, [script, ...args], { cwd: root });
  let [out, err] = ["", ""];
  child.stdout.on("data", (piece) => (out += piece));
  child.stderr.on("data", (piece) => (err += piece));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  return { code, json: parse(out), text: `${err}${out}`.trim() };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
