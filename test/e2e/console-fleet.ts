import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UnrecoverableError, Worker } from "bullmq";
import { redisKeys } from "@mailfleet/core";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { redisOptions } from "@mailfleet/store";
import { freePort, type RunningRedis, startRedis } from "@mailfleet/testkit";
import { type Role, root, startProgram, startRole, until } from "./fleet.ts";

/** A whole fleet with its console: sandbox, a Redis of its own, producer, worker, console. */
export interface ConsoleFleet {
  readonly url: string;
  readonly sandbox: Sandbox;
  readonly redis: RunningRedis;
  readonly config: string;
  readonly output: () => string;
  /** A second console of the fleet, which people reach through a proxy that names them. @returns its address */
  startBehindProxy(operators: readonly string[]): Promise<string>;
  /** A consumer that fails for good on so many of the messages that wait; other events it handles. */
  failEvents(count: number, say: string): Promise<void>;
  stop(): Promise<void>;
}

export interface ConsoleFleetOptions {
  readonly tenants: readonly { readonly alias: string; readonly mailboxes: number; readonly messages: number }[];
  /** Before the first login. */
  readonly prepare?: (sandbox: Sandbox) => void;
  /** Lines for the configuration. */
  readonly more?: string;
}

const startMs = 60_000;

export async function startConsoleFleet({ tenants, prepare, more = "" }: ConsoleFleetOptions): Promise<ConsoleFleet> {
  const dir = await mkdtemp(join(tmpdir(), "mailfleet-console-"));
  const redis = await startRedis({ shared: false, dir: join(dir, "redis") });
  const sandbox = await startSandbox({ dataDir: join(dir, "sandbox"), tenants, trickle: 0, faults: false });
  prepare?.(sandbox);
  const port = await freePort();
  const config = join(dir, "mailfleet.yaml");
  const blocks = await Promise.all(
    sandbox.tenants.map(async ({ alias, tenantId, clientId, addresses }) => {
      await writeFile(join(dir, `secret-${alias}`), sandbox.secretOf(alias), { mode: 0o600 });
      return `  ${alias}:
    tenantId: ${tenantId}
    clientId: ${clientId}
    credential: { secretFile: ./secret-${alias} }
    cloud: custom
    endpoints: { authority: "${sandbox.authority}", scope: "https://outlook.office365.com/.default", imap: { host: ${sandbox.imap.host}, port: ${sandbox.imap.port}, tls: true }, caFile: ${sandbox.caFile} }
    mailboxes: [${addresses.join(", ")}]
`;
    }),
  );
  await writeFile(
    config,
    `redis: { url: ${redis.url} }
dataDir: ${dir}
tenants:
${blocks.join("")}console: { listen: "127.0.0.1:${port}" }
${more}`,
  );
  const roles: Role[] = [startRole("producer", config), startRole("worker", config)];
  const show = (file: string): void =>
    void roles.push(startProgram([join(root, "apps/console/src/main.ts"), "--config", file, "--sandbox-dir", join(dir, "sandbox")]));
  show(config);
  const output = (): string => roles.map((role) => role.output()).join("\n");
  const url = `http://127.0.0.1:${port}`;
  const answers = (where: string): Promise<number> =>
    until(
      async () =>
        fetch(`${where}/favicon.svg`).then(
          ({ status }) => status,
          () => 0,
        ),
      (status) => status === 200,
      startMs,
      output,
    );
  await answers(url);
  return {
    url,
    sandbox,
    redis,
    config,
    output,
    async startBehindProxy(operators) {
      const other = await freePort();
      const file = join(dir, "proxied.yaml");
      const auth = `auth: { proxy: { header: X-Forwarded-User, from: [127.0.0.1], operators: [${operators.join(", ")}] } }`;
      const text = await readFile(config, "utf8");
      await writeFile(file, text.replace(/^console: .*$/m, `console: { listen: "127.0.0.1:${other}", ${auth} }`));
      show(file);
      await answers(`http://127.0.0.1:${other}`);
      return `http://127.0.0.1:${other}`;
    },
    failEvents: (count, say) => failEvents(redis.port, count, say),
    async stop() {
      await Promise.all(roles.map((role) => role.stop()));
      await sandbox.close();
      await redis.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function failEvents(port: number, count: number, say: string): Promise<void> {
  // Two versions of one type do not meet under exactOptionalPropertyTypes.
  const connection: object = redisOptions({ host: "127.0.0.1", port, db: 0, tls: false });
  const worker = new Worker("messages", null, { connection, prefix: redisKeys().bullPrefix, autorun: false, name: "crm" });
  try {
    for (let n = 0; n < count;) {
      const job = await worker.getNextJob("token");
      if (!job) throw new Error("no event waits");
      if (job.name !== "message.added") {
        await job.moveToCompleted(null, "token", false);
        continue;
      }
      n++;
      await job.moveToFailed(new UnrecoverableError(say), "token");
    }
  } finally {
    await worker.close();
  }
}
