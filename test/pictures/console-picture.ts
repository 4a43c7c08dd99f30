import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadConfig, secretsOf } from "@mailfleet/config";
import { growingScrubber } from "@mailfleet/core";
import { systemClock } from "@mailfleet/runtime";
import { openShards } from "@mailfleet/store";
import { silentLog, startRedis } from "@mailfleet/testkit";
import { webViews } from "../../apps/console/src/http/web-views.ts";
import { runConsole } from "../../apps/console/src/run-console.ts";
import { wireConsole } from "../../apps/console/src/wire.ts";
import { openVisitor, startBrowser, waitForHeading } from "../e2e/browser.ts";
import { type FleetFacts, pictureNow, recordsOf } from "./fleet-facts.ts";

export interface ConsolePicture {
  /** PNG by the file's name. */
  readonly pictures: Readonly<Record<string, Buffer>>;
  /** What can be read in the picture. */
  readonly words: string;
}

/** The console's page Fleet in Chromium: the real console, whose clock stands and whose fleet is that of the facts. */
export async function drawConsole(facts: FleetFacts): Promise<ConsolePicture> {
  const dir = mkdtempSync(path.join(tmpdir(), "mailfleet-picture-"));
  const redis = await startRedis({ shared: false, dir: path.join(dir, "redis") });
  const shown = await startStill(facts, redis.url, dir);
  const browser = await startBrowser();
  try {
    const pictures: Record<string, Buffer> = {};
    let words = "";
    for (const theme of ["light", "dark"] as const) {
      const visitor = await openVisitor(browser, shown.url, { theme });
      await visitor.page.clock.setFixedTime(pictureNow);
      await visitor.page.goto("/");
      await waitForHeading(visitor.page, "mailboxes are fresh");
      await visitor.page.getByRole("button", { name: /^live/ }).waitFor();
      // Charts come when they come: the picture and its words end above them.
      [words = ""] = (await visitor.page.locator("body").innerText()).split("\nOver time");
      pictures[`console-${theme}.png`] = await visitor.page.screenshot({
        animations: "disabled",
        clip: { x: 0, y: 0, width: 1280, height: 756 },
      });
      await visitor.close();
    }
    return { pictures, words: `${words.trim()}\n` };
  } finally {
    await browser.close();
    await shown.close();
    await redis.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A console over an empty Redis, which is shown the facts at the moment of the pictures, and at no other. */
async function startStill(facts: FleetFacts, redisUrl: string, dir: string) {
  const config = stillConfig(facts, redisUrl, dir);
  const { redis: redisTarget } = config;
  if (redisTarget === undefined) throw new TypeError("the configuration names a Redis");
  const common = { config, log: silentLog, clock: systemClock };
  const shards = await openShards(config, redisTarget, silentLog);
  const { scrub, hide } = growingScrubber(secretsOf(config));
  const parts = await wireConsole({ ...common, shards, scrub, hide, env: {}, warnings: [], options: "", sandboxDir: dir });
  const { live } = parts;
  const { memory } = live;
  const beat = () => ({ at: pictureNow, process: "picture", revision: memory.revision, factsAt: pictureNow });
  Object.assign(live, { now: () => pictureNow, beat, attend: () => Promise.resolve() });
  memory.take({ at: pictureNow, changed: recordsOf(facts).map((record) => ({ ...record, isOpened: true, isPushed: false })), gone: [] });
  memory.settle(pictureNow);
  const processes = async () => ["producer", "worker"].map((role) => ({ id: `${role} 1`, role, seenAt: pictureNow, concurrency: 8 }));
  const panel = { metrics: undefined, judgeBy: () => undefined };
  const running = await runConsole({
    ...common,
    panel,
    parts: { ...parts, sources: { ...parts.sources, processes } },
    views: await webViews(),
  });
  return {
    url: running.url,
    async close() {
      await running.close();
      await parts.close();
    },
  };
}

function stillConfig({ mailboxes }: FleetFacts, redisUrl: string, dir: string) {
  const id = "00000000-0000-0000-0000-000000000001";
  const tenants = [...new Set(mailboxes.map(({ tenant }) => tenant))].map((alias) => [
    alias,
    { tenantId: id, clientId: id, credential: { secretFile: "./secret" } },
  ]);
  const file = path.join(dir, "mailfleet.yaml");
  const tree = {
    redis: { url: redisUrl },
    dataDir: dir,
    tenants: Object.fromEntries(tenants) as object,
    console: { listen: "127.0.0.1:0" },
  };
  writeFileSync(file, JSON.stringify(tree));
  writeFileSync(path.join(dir, "secret"), "of a picture", { mode: 0o600 });
  const loaded = loadConfig({ file, cwd: dir, env: {} });
  if (!loaded.ok) throw new TypeError(JSON.stringify(loaded.problems));
  return loaded.config;
}
