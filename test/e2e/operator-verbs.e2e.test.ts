import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { sharedRedisUrl, uniqueName } from "@mailfleet/testkit";
import { readEvents, readSums, type Role, root, startProgram, startRole, until } from "./fleet.ts";

const name = uniqueName("verbs");
let dir: string;
let sandbox: Sandbox;
let redis: Redis;
let config: string;
const roles: Role[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-operator-"));
  sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [{ alias: "contoso", mailboxes: 3, messages: 240 }],
    trickle: 0,
    faults: false,
  });
  redis = new Redis(sharedRedisUrl());
  const [tenant] = sandbox.tenants;
  await writeFile(join(dir, "secret"), sandbox.secretOf("contoso"), { mode: 0o600 });
  config = join(dir, "mailfleet.yaml");
  await writeFile(
    config,
    `name: ${name}
redis: { url: ${sharedRedisUrl()} }
dataDir: ${dir}
tenants:
  contoso:
    tenantId: ${tenant?.tenantId ?? ""}
    clientId: ${tenant?.clientId ?? ""}
    credential: { secretFile: ./secret }
    cloud: custom
    endpoints: { authority: "${sandbox.authority}", scope: "https://outlook.office365.com/.default", imap: { host: ${sandbox.imap.host}, port: ${sandbox.imap.port}, tls: true }, caFile: ${sandbox.caFile} }
    mailboxes: [${tenant?.addresses.join(", ") ?? ""}]
sync: { pollSeconds: 3600 }
`,
  );
  roles.push(startRole("producer", config), startRole("worker", config));
});
afterAll(async () => {
  await Promise.all(roles.map((role) => role.stop()));
  redis.disconnect();
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

async function mailfleet(...args: string[]): Promise<{ readonly code: number | string; readonly doc: Record<string, unknown> }> {
  const role = startProgram([join(root, "apps/cli/src/main.ts"), ...args, "--config", config, "--json", "--progress", "none"]);
  const code = await role.ended;
  return { code, doc: JSON.parse(role.output()) as Record<string, unknown> };
}

const truth = () => [...sandbox.truth()].filter(({ isMail }) => isMail);

test("an operator proves a running fleet, finds a planted gap, repairs it, and hands mail off again, each by one command", async () => {
  const all = truth().length;
  await until(
    () => readSums(redis, name),
    (sums) => sums.handedOff === all && sums.toDo === 0,
    120_000,
    () => roles.map((role) => role.output()).join("\n"),
  );
  expect(await mailfleet("prove")).toMatchObject({ code: 0, doc: { ok: true, sums: { listed: all, handedOff: all, gaps: 0 } } });

  const address = sandbox.tenants[0]?.addresses[1] ?? "";
  const uids = new Set(
    truth()
      .filter((one) => one.address === address && one.folder === "INBOX")
      .map(({ uid }) => uid),
  );
  let hole = Math.max(...uids) - 1;
  while (uids.has(hole)) hole--;
  sandbox.plant(address, "INBOX", hole, Buffer.from("Subject: planted\r\n\r\nplanted\r\n"));
  const found = await mailfleet("prove", "--tenant", "contoso");
  expect(found).toMatchObject({ code: 1, doc: { ok: false, sums: { listed: all + 1, gaps: 1 } } });
  expect(JSON.stringify(found.doc)).toContain(`"gapUids":"${hole}"`);

  expect(await mailfleet("prove", address, "--repair")).toMatchObject({
    code: 0,
    doc: { ok: true, mailboxes: [{ repair: { ending: "done", putBack: 1 } }] },
  });
  const events = await readEvents(sharedRedisUrl(), name);
  expect(events.filter((event) => event.type === "message.added" && event.mailbox === address && event.uid === hole)).toHaveLength(1);
  expect(await mailfleet("prove")).toMatchObject({ code: 0, doc: { ok: true, sums: { listed: all + 1, handedOff: all + 1 } } });

  expect(await mailfleet("replay", "--tenant", "contoso")).toMatchObject({
    code: 0,
    doc: { chosen: all + 1, outcomes: { added: 0, waiting: all + 1 } },
  });
  expect(await mailfleet("dead-letters", "list")).toMatchObject({ code: 0, doc: { letters: 0, causes: [] } });
});
