import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root, startProgram, until } from "./fleet.ts";

const main = join(root, "apps/cli/src/main.ts");

test("a sandbox starts with the faults of a file, and another process takes them back and orders new ones", async () => {
  const dir = await mkdtemp(join(tmpdir(), "mailfleet-faults-"));
  await writeFile(join(dir, "faults.yaml"), "- name: token-5xx\n  tenant: tiny\n  for: 10m\n");
  const dataDir = join(dir, "sandbox");
  const started = startProgram([main, "sandbox", "--data-dir", dataDir, "--tenant", "tiny:1:3", "--faults", join(dir, "faults.yaml")]);
  const fault = async (...args: string[]): Promise<{ readonly code: number | string; readonly doc: Record<string, unknown> }> => {
    const role = startProgram([main, "sandbox", "fault", ...args, "--data-dir", dataDir, "--json"]);
    const code = await role.ended;
    return { code, doc: JSON.parse(role.output().split("\n")[0] ?? "") as Record<string, unknown> };
  };
  try {
    await until(
      () => Promise.resolve(started.output()),
      (text) => text.includes('"ready":true'),
      60_000,
    );
    expect(await fault("show")).toMatchObject({ code: 0, doc: { faults: [{ id: 1, order: { name: "token-5xx", tenant: "tiny" } }] } });
    expect(await fault("clear", "token-5xx")).toMatchObject({ code: 0, doc: { removed: 1 } });
    expect(await fault("add", "throttle", "--mailbox", "nobody@tiny.example")).toMatchObject({ code: 2, doc: { ok: false } });
    expect(await fault("add", "throttle", "--mailbox", "support@tiny.example", "--for", "1m")).toMatchObject({ code: 0, doc: { id: 2 } });
  } finally {
    await started.stop();
    await rm(dir, { recursive: true, force: true });
  }
  expect(await started.ended).toBe(0);
});
