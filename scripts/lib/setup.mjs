import { ensureHelm } from "./helm.mjs";
import { ensureNode } from "./node.mjs";
import { ensurePackages } from "./packages.mjs";
import { SetupError } from "./processes.mjs";
import { chromium, dovecot, ensureSystemPackage, pythonSchema, redisServer } from "./system-packages.mjs";

/**
 * Sets up what is missing on this machine and says in one line what it did; says nothing when nothing was missing.
 * @param {{ redis?: boolean, dovecot?: boolean, python?: boolean, chromium?: boolean, helm?: boolean }} needs
 * @returns {Promise<string>} the Node to run sources with
 * Ends the process with exit code 1 and instructions when something cannot be set up.
 */
export async function setUp(needs = {}) {
  const line = onceOnlyLine(process.stderr);
  try {
    line.begin("packages");
    const packagesStart = Date.now();
    const areNew = await ensurePackages();
    const node = await ensureNode();
    if (areNew && !node.isOwn) line.add(`Node ${node.version.split(".").slice(0, 2).join(".")}`);
    if (areNew) line.add(`packages ${seconds(packagesStart)}`);
    for (const [name, wanted] of Object.entries({ redis: redisServer, dovecot, python: pythonSchema, chromium })) {
      if (!needs[name]) continue;
      line.begin(wanted.name);
      const start = Date.now();
      const { version, isNew } = await ensureSystemPackage(wanted);
      if (isNew) line.add(`${wanted.name} ${version} ${seconds(start)}`);
    }
    if (needs.helm) {
      line.begin("helm");
      const start = Date.now();
      const { version, isNew } = await ensureHelm();
      if (isNew) line.add(`helm ${version} ${seconds(start)}`);
    }
    line.end();
    return node.path;
  } catch (error) {
    line.end();
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

function seconds(start) {
  return `${Math.max(1, Math.round((Date.now() - start) / 1000))} s`;
}

/** On a terminal the line grows while work goes on; elsewhere it is printed once, at the end. */
function onceOnlyLine(stream) {
  const isLive = stream.isTTY === true && process.env.TERM !== "dumb" && !process.env.CI && process.env.ACCESSIBLE !== "1";
  const hasColour = isLive && !process.env.NO_COLOR;
  const isUtf8 = /utf-?8/i.test(process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG || "") || process.platform !== "linux";
  const tick = isUtf8 ? "✓" : "ok";
  const mark = hasColour ? `\u001B[32m${tick}\u001B[39m` : tick;
  const items = [];
  let pending;
  const text = () => `  Once only: ${items.map((item) => `${mark} ${item}`).join("  ")}`;
  const redraw = (extra = "") => stream.write(`\r\u001B[K${items.length > 0 || extra !== "" ? `${text()}${extra}` : ""}`);
  return {
    /** Shown only if it takes long enough to be seen. */
    begin(what) {
      clearTimeout(pending);
      if (isLive) pending = setTimeout(() => redraw(`${items.length > 0 ? "  " : ""}${what} ...`), 500);
    },
    add(item) {
      items.push(item);
      if (isLive) redraw();
    },
    end() {
      clearTimeout(pending);
      if (isLive) {
        redraw();
        if (items.length > 0) stream.write("\n");
      } else if (items.length > 0) {
        stream.write(`${text()}\n`);
      }
    },
  };
}
