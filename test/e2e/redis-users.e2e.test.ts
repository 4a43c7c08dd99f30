import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { consume } from "@mailfleet/consumer";
import type { ActionRun } from "@mailfleet/core/console";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { freePort, type RunningRedis, startRedis } from "@mailfleet/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCaptured } from "../../apps/cli/src/captured-run.fixture.ts";
import { readSums, type Role, root, startProgram, until } from "./fleet.ts";

const users = ["producer", "worker", "console", "operator", "consumer"] as const;
type User = (typeof users)[number];

let dir: string;
let sandbox: Sandbox;
let server: RunningRedis;
/** Everything is allowed to it. */
let admin: Redis;
let consoleUrl: string;
let shipped: string;

const passwordOf = (user: string): string => `${user}-pass-4f1c`;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-users-"));
  shipped = await readFile(join(root, "deploy/redis/users.acl"), "utf8");
  const filled = ["admin", ...users].reduce(
    (text, user) => text.replace(`SHA256_OF_${user.toUpperCase()}_PASSWORD`, sha256(passwordOf(user))),
    shipped,
  );
  // The test itself looks on as the default user, which is off in what is shipped.
  const file = join(dir, "users.acl");
  await writeFile(file, filled.replace(/^user default .*$/m, `user default on #${sha256(passwordOf("default"))} ~* &* +@all`));
  server = await startRedis({ shared: false, password: passwordOf("default"), extraArgs: ["--aclfile", file, "--acllog-max-len", "128"] });
  admin = new Redis(server.url);
  sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: [{ alias: "contoso", mailboxes: 2, messages: 30 }],
    trickle: 0,
    faults: false,
  });
  const port = await freePort();
  consoleUrl = `http://127.0.0.1:${port}`;
  const [tenant] = sandbox.tenants;
  for (const user of users) {
    await writeFile(join(dir, `password-${user}`), passwordOf(user), { mode: 0o600 });
    await writeFile(
      configOf(user),
      `redis: { url: "redis://${user}@127.0.0.1:${server.port}", passwordFile: ./password-${user} }
dataDir: ${dir}
tenants:
  contoso:
    tenantId: ${tenant?.tenantId ?? ""}
    clientId: ${tenant?.clientId ?? ""}
    credential: { secretFile: ${join(dir, "sandbox", "secret-contoso")} }
    cloud: custom
    endpoints: { authority: "${sandbox.authority}", scope: "https://outlook.office365.com/.default", imap: { host: ${sandbox.imap.host}, port: ${sandbox.imap.port}, tls: true }, caFile: ${sandbox.caFile} }
    mailboxes: [${tenant?.addresses.join(", ") ?? ""}]
sync: { push: all }
console: { listen: "127.0.0.1:${port}" }
`,
    );
  }
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

const configOf = (user: User): string => join(dir, `mailfleet-${user}.yaml`);
const start = (app: User): Role => startProgram([join(root, `apps/${app}/src/main.ts`), "--config", configOf(app)]);

async function clientOf(user: User): Promise<Redis> {
  const client = new Redis({ host: "127.0.0.1", port: server.port, username: user, password: passwordOf(user), lazyConnect: true });
  await client.connect();
  return client;
}

/** What was refused to whom since the server started. */
async function refusals(): Promise<string[]> {
  const log = (await admin.call("ACL", "LOG")) as string[][];
  return log.map((entry) => {
    const field = (name: string): string => entry[entry.indexOf(name) + 1] ?? "";
    return `${field("username")}: ${field("reason")} ${field("object")} (${field("context")})`;
  });
}

async function operate(...args: string[]): Promise<number | undefined> {
  const { code } = await runCaptured({ args: [...args, "--config", configOf("operator"), "--progress", "none"], cwd: dir });
  return code;
}

test("a fleet in which every role has its own user of deploy/redis/users.acl does all of its work, and nothing is refused to any", async () => {
  const roles = [start("producer"), start("worker"), start("console")];
  const output = (): string => roles.map((role) => role.output()).join("\n");
  const all = [...sandbox.truth()].filter(({ isMail }) => isMail).length;
  await until(
    async () => ({ ...(await readSums(admin)), refused: await refusals() }),
    ({ handedOff, toDo, refused }) => (handedOff === all && toDo === 0) || refused.length > 0,
    120_000,
    output,
  );
  expect(await refusals()).toEqual([]);

  const seen = new Set<string>();
  const consumer = await consume(
    { redis: `redis://consumer:${passwordOf("consumer")}@127.0.0.1:${server.port}`, stopOnSignals: false },
    (event) => {
      seen.add(event.key);
    },
  );
  await until(
    () => Promise.resolve(seen.size),
    (size) => size >= all,
    60_000,
    output,
  );

  const page = (await (await fetch(`${consoleUrl}/api/page?path=/`)).json()) as { frame: { token: string } };
  const [address = ""] = sandbox.tenants[0]?.addresses ?? [];
  for (const verb of ["park", "resume", "try"]) {
    const answer = await fetch(`${consoleUrl}/api/actions`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: consoleUrl, "x-mailfleet-token": page.frame.token },
      body: JSON.stringify({ verb, target: { mailbox: `contoso/${address}` } }),
    });
    const { id } = (await answer.json()) as ActionRun;
    await until(
      async () => ((await (await fetch(`${consoleUrl}/api/actions/${id}`)).json()) as ActionRun).state,
      (state) => state === "done",
      30_000,
      output,
    );
  }
  for (const path of ["/mailboxes", "/dead-letters", "/activity", "/tenants", "/about", `/mailboxes/contoso/${address}`])
    expect([path, (await fetch(`${consoleUrl}/api/page?path=${encodeURIComponent(path)}`)).status]).toEqual([path, 200]);
  expect((await fetch(`${consoleUrl}/board/api/queues?activeQueue=messages&page=1`)).status).toBe(200);

  expect(await operate("status")).toBe(0);
  expect(await operate("dead-letters", "list")).toBe(0);
  expect(await operate("prove")).toBe(0);
  expect(await operate("mailboxes", "park", address)).toBe(0);
  // It is in the configuration still, which is exit 1.
  expect(await operate("mailboxes", "remove", address, "--purge", "--yes")).toBe(1);

  await consumer.close();
  await Promise.all(roles.map((role) => role.stop()));
  expect(await refusals()).toEqual([]);
});

test.each(users)("%s may ask a cluster where its slot is", async (user) => {
  const client = await clientOf(user);
  try {
    // As this server answers whoever may ask.
    for (const command of [["KEYSLOT", "x"], ["INFO"], ["SLOTS"]])
      await expect(client.call("CLUSTER", ...command)).rejects.toThrow("This instance has cluster support disabled");
    await expect(client.call("CLUSTER", "NODES")).rejects.toThrow("NOPERM");
  } finally {
    client.disconnect();
  }
});

const token = "{mailfleet}:mf:token:1";
const checkpoints = "{mailfleet}:mf:checkpoints:contoso/a@contoso.example";

describe("what is refused", () => {
  test.each<[User, string[]]>([
    ...users.flatMap((user): [User, string[]][] =>
      [
        ["FLUSHALL"],
        ["FLUSHDB"],
        ["KEYS", "*"],
        ["CONFIG", "GET", "requirepass"],
        ["CONFIG", "SET", "dir", "/tmp"],
        ["ACL", "LIST"],
        ["MODULE", "LIST"],
        ["LATENCY", "RESET"],
        ["SHUTDOWN", "NOSAVE"],
        ["REPLICAOF", "NO", "ONE"],
        ["MONITOR"],
        ["SCRIPT", "FLUSH"],
        ["FUNCTION", "LIST"],
        ["CLIENT", "LIST"],
        ["GET", "somebody:else"],
        ["SET", "{other}:mf:tenants", "x"],
        ["SUBSCRIBE", "somebody"],
        ["EVAL", "return redis.call('GET', KEYS[1])", "1", "somebody:else"],
        ["EVAL", "return redis.call('FLUSHALL')", "0"],
      ].map((command): [User, string[]] => [user, command]),
    ),
    ...(["producer", "console", "consumer"] as const).map((user): [User, string[]] => [user, ["GET", token]]),
    ["consumer", ["HGETALL", checkpoints]],
    ["consumer", ["EVAL", "return redis.call('HGETALL', KEYS[1])", "1", checkpoints]],
    ["consumer", ["LPUSH", "{mailfleet}:sync-fresh:wait", "1"]],
    ["consumer", ["SUBSCRIBE", "{mailfleet}:mf:signals"]],
    ["worker", ["BGREWRITEAOF"]],
    ["console", ["BGREWRITEAOF"]],
    ["worker", ["SLOWLOG", "GET"]],
  ])("%s: %j", async (user, [command = "", ...args]) => {
    const client = await clientOf(user);
    try {
      await expect(client.call(command, ...args)).rejects.toThrow(
        /^(NOPERM|.*NOPERM|ERR The user executing the script can't|ERR ACL failure)/,
      );
    } finally {
      client.disconnect();
    }
  });

  test("a password is changed while the old one still works, and then only the new one does", async () => {
    const login = async (password: string): Promise<string> => {
      const client = new Redis({
        host: "127.0.0.1",
        port: server.port,
        username: "consumer",
        password,
        lazyConnect: true,
        retryStrategy: null,
      });
      client.on("error", () => undefined);
      try {
        await client.connect();
        return await client.ping();
      } catch (error) {
        return String(error);
      } finally {
        client.disconnect();
      }
    };
    await admin.call("ACL", "SETUSER", "consumer", ">next-pass");
    expect([await login(passwordOf("consumer")), await login("next-pass")]).toEqual(["PONG", "PONG"]);
    await admin.call("ACL", "SETUSER", "consumer", `<${passwordOf("consumer")}`);
    expect(await login("next-pass")).toBe("PONG");
    expect(await login(passwordOf("consumer"))).not.toBe("PONG");
    await admin.call("ACL", "SETUSER", "consumer", `>${passwordOf("consumer")}`);
  });

  test("nobody logs in without a password, and a file whose passwords were not filled in starts no Redis", async () => {
    expect(shipped).toMatch(/^user default off /m);
    expect(shipped.match(/nopass/)).toBeNull();
    const file = join(dir, "unfilled.acl");
    await writeFile(file, shipped);
    await expect(startRedis({ shared: false, extraArgs: ["--aclfile", file] })).rejects.toThrow("did not start");
  });
});
