
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSandbox } from "@mailfleet/sandbox";
import { measureFleet } from "./zz-worker.ts";
const dir = await mkdtemp(join(tmpdir(), "mailfleet-poll-"));
const sandbox = await startSandbox({ dataDir: join(dir, "sandbox"), tenants: [{ alias: "contoso", mailboxes: 50, messages: 1000 }], trickle: 0, faults: false });
try {
  const roots = (process.env["ROOTS"] ?? "/tmp/mf/imap").split(",");
  for (let i = 0; i < Number(process.env["RUNS"] ?? 1); i++) for (const root of i % 2 ? [...roots].reverse() : roots) {
    process.env["ROOT"] = root;
    console.log(root, JSON.stringify(await measureFleet(join(dir, `fleet${i}${root.replaceAll("/", "")}`), sandbox, 2, Number(process.env["SECS"] ?? 20))));
  }
} finally { await sandbox.close(); await rm(dir, { recursive: true, force: true }); }
