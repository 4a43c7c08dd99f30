import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { findSecrets, type RunningRedis, searchFolder, startRedis } from "@mailfleet/testkit";
import { root, startProgram, until } from "./fleet.ts";

let dir: string;
let sandbox: Sandbox;
let redis: RunningRedis;
let config: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-secrets-"));
  sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: ["contoso", "fabrikam", "northwind"].map((alias) => ({ alias, mailboxes: 2, messages: 4 })),
    faults: false,
  });
  redis = await startRedis({ shared: false });
  config = join(dir, "mailfleet.yaml");
  const tenants = sandbox.tenants.map(
    ({ alias, tenantId, clientId, addresses }) => `  ${alias}:
    tenantId: ${tenantId}
    clientId: ${clientId}
    credential: { secretFile: ${join(dir, "sandbox", `secret-${alias}`)} }
    cloud: custom
    endpoints: { authority: "${sandbox.authority}", scope: "https://outlook.office365.com/.default", imap: { host: localhost, port: ${String(sandbox.imap.port)} }, caFile: ${sandbox.caFile} }
    mailboxes: ${JSON.stringify(addresses)}
`,
  );
  await writeFile(
    config,
    `redis: { url: ${redis.url} }\ndataDir: ${join(dir, "data")}\nblobs: { dir: ${join(dir, "blobs")} }\nsync: { pollSeconds: 5 }\ntenants:\n${tenants.join("")}`,
    { mode: 0o600 },
  );
});

afterAll(async () => {
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

/** Its output is searched when it ends. */
async function mailfleet(...args: string[]): Promise<string> {
  const role = startProgram([join(root, "apps/cli/src/main.ts"), ...args, "--config", config]);
  await role.ended;
  return role.output();
}

test("the search knows the secrets of this sandbox when it sees them", () => {
  for (const { alias } of sandbox.tenants) expect(findSecrets(Buffer.from(sandbox.secretOf(alias)))).toEqual(["a client secret"]);
});

test("a login service and a mail server that echo what they were sent get no secret into any output, log, Redis value or file", async () => {
  const faults = [
    sandbox.faults.add({ name: "token-echo", tenant: "contoso", params: { as: "json" } }),
    sandbox.faults.add({ name: "token-echo", tenant: "fabrikam", params: { as: "html" } }),
    sandbox.faults.add({ name: "auth-echo", tenant: "northwind", mailbox: sandbox.tenants[2]?.addresses[0] ?? "" }),
  ];
  const struck = (): Promise<number> =>
    Promise.resolve(sandbox.faults.list().filter(({ id, struck: times }) => faults.includes(id) && times > 0).length);
  const up = startProgram([join(root, "apps/cli/src/main.ts"), "up", "--config", config]);
  await until(struck, (count) => count === faults.length, 60_000, up.output);
  const outputs = [
    await mailfleet("status"),
    await mailfleet("status", "--json"),
    await mailfleet("mailboxes", "list", "--json"),
    await mailfleet("doctor"),
    await mailfleet("doctor", "--json"),
    await mailfleet("try", sandbox.tenants[0]?.addresses[0] ?? "", "--json"),
    await mailfleet("try", sandbox.tenants[2]?.addresses[0] ?? ""),
    await mailfleet("onboard", "--tenant", "contoso"),
  ];
  await up.stop();
  outputs.push(up.output());
  // The words around the secret did come through: it is not that nothing was said.
  expect(outputs.join("\n")).toContain("AUTHENTICATE failed.");
  await searchFolder("data of the fleet", join(dir, "data"), (name) => name === "token.key" || name.startsWith("compile-cache"));
  await searchFolder("blobs of the fleet", join(dir, "blobs"));
  await redis.stop();
});
