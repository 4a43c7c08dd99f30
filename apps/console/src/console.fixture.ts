import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Config, loadConfig, secretsOf } from "@mailfleet/config";
import { growingScrubber, mailboxId, type MailboxRef, redisKeys, type RedisKeys } from "@mailfleet/core";
import { systemClock } from "@mailfleet/runtime";
import type { Sandbox } from "@mailfleet/sandbox";
import { connectRedis, createMailboxRegistry, openShards } from "@mailfleet/store";
import { recordingLog, type RecordingLog, sharedRedisUrl, uniqueName } from "@mailfleet/testkit";
import { webViews } from "./http/web-views.ts";
import type { Views } from "./http/views.ts";
import { runConsole, type RunningConsole } from "./run-console.ts";
import { wireConsole } from "./wire.ts";

const id = "00000000-0000-0000-0000-000000000001";
/** Stripped once for a test file. */
const views = await webViews();
export const password = "correct horse battery staple";

export interface TestConsole extends RunningConsole {
  readonly config: Config;
  readonly redis: Awaited<ReturnType<typeof connectRedis>>;
  readonly keys: RedisKeys;
  readonly log: RecordingLog;
  readonly parts: Awaited<ReturnType<typeof wireConsole>>;
  /** Of the page `/`, for requests that change something. */
  readonly token: () => Promise<string>;
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Response>;
  readonly post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Response>;
  /** Sets facts of a mailbox as a worker would, and has them noticed. */
  readonly put: (mailbox: MailboxRef, fields: Record<string, string | number>) => Promise<void>;
  readonly end: () => Promise<void>;
}

export interface TestConsoleOptions {
  /** Under `console:`, such as `readOnly: true`. */
  readonly console?: string;
  /** Default a free one. */
  readonly port?: number;
  readonly mailboxes?: readonly MailboxRef[];
  readonly views?: Views;
  /** That the lines name, by path; the configuration lies in `/etc`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Whose tenants the fleet has; else it has two of which nothing is asked. */
  readonly sandbox?: Sandbox;
  /** As the console is told where the sandbox's files are. */
  readonly sandboxDir?: string;
}

export const box = (tenant: string, name: string): MailboxRef => ({ tenant, address: `${name}@${tenant}.example`, protocol: "imap" });

/** A console over the shared Redis, with a fleet of its own name. */
export async function startTestConsole(options: TestConsoleOptions = {}): Promise<TestConsole> {
  const name = uniqueName("console").replaceAll("_", "-");
  const dataDir = mkdtempSync(path.join(tmpdir(), "mailfleet-console-"));
  const config = testConfig(name, dataDir, options);
  if (config.redis === undefined) throw new Error("the shared Redis is not configured");
  const redis = await connectRedis(config.redis, recordingLog());
  const keys = redisKeys(config.name);
  await createMailboxRegistry(redis, keys).register(
    options.mailboxes ??
      (options.sandbox ? sandboxBoxes(options.sandbox) : [box("contoso", "a"), box("contoso", "b"), box("fabrikam", "c")]),
    0,
  );
  const log = recordingLog();
  const about = { options: "", ...(options.sandboxDir !== undefined && { sandboxDir: options.sandboxDir }) };
  const shards = await openShards(config, config.redis, log);
  const { scrub, hide } = growingScrubber(secretsOf(config));
  const parts = await wireConsole({ config, shards, log, scrub, hide, clock: systemClock, env: {}, warnings: [], ...about });
  const panel = { metrics: undefined, judgeBy: () => undefined };
  const running = await runConsole({ config, clock: systemClock, log, panel, parts, views: options.views ?? views });
  const get = (where: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${running.url}${where}`, { headers, redirect: "manual" });
  const token = async (): Promise<string> => {
    const answer = (await (await get("/api/page?path=/")).json()) as { readonly frame: { readonly token: string } };
    return answer.frame.token;
  };
  return {
    ...running,
    config,
    redis,
    keys,
    log,
    parts,
    token,
    get,
    post: (where, body, headers = {}) =>
      fetch(`${running.url}${where}`, {
        method: "POST",
        headers: { "content-type": "application/json", origin: running.url, ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    async put(mailbox, fields) {
      await redis.hset(keys.mailbox(mailboxId(mailbox)), fields);
      // Whatever happens to a mailbox moves its due time.
      await redis.zincrby(keys.due("fresh", mailbox.tenant), 1, mailboxId(mailbox));
    },
    async end() {
      await running.close();
      await parts.close();
      redis.disconnect();
    },
  };
}

function sandboxBoxes({ tenants }: Sandbox): MailboxRef[] {
  return tenants.flatMap(({ alias, addresses }) => addresses.map((address): MailboxRef => ({ tenant: alias, address, protocol: "imap" })));
}

function testConfig(
  name: string,
  dataDir: string,
  { console: consoleLines = "", port = 0, files: more, sandbox }: TestConsoleOptions,
): Config {
  const tenantOf = (alias: string): string => `  ${alias}:
    tenantId: ${id}
    clientId: ${id}
    credential: { secretFile: ./secret }
`;
  const blocks = sandbox?.tenants.map((tenant) => sandboxTenant(sandbox, tenant)) ?? ["contoso", "fabrikam"].map(tenantOf);
  const yaml = `name: ${name}
dataDir: ${dataDir}
redis: { url: "${sharedRedisUrl()}" }
tenants:
${blocks.join("")}console:
  listen: 127.0.0.1:${port}
${consoleLines}`;
  const files: Readonly<Record<string, string>> = {
    "/etc/mailfleet.yaml": yaml,
    "/etc/secret": "canary-secret-value-of-contoso-tenant",
    "/etc/password": `${password}\n`,
    "/etc/viewer-password": `viewer ${password}\n`,
    ...more,
  };
  const loaded = loadConfig({
    file: "/etc/mailfleet.yaml",
    cwd: "/etc",
    env: {},
    readFile(file) {
      const content = files[file];
      if (content !== undefined) return { bytes: Buffer.from(content), mode: 0o600 };
      // What the sandbox wrote is read again by whoever logs in.
      return { bytes: readFileSync(file), mode: 0o600 };
    },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

function sandboxTenant(
  { authority, imap, caFile, configFile }: Sandbox,
  { alias, tenantId, clientId }: Sandbox["tenants"][number],
): string {
  return `  ${alias}:
    tenantId: ${tenantId}
    clientId: ${clientId}
    credential: { secretFile: ${path.join(path.dirname(configFile), `secret-${alias}`)} }
    cloud: custom
    endpoints: { authority: "${authority}", scope: "https://outlook.office365.com/.default", imap: { host: ${imap.host}, port: ${imap.port}, tls: true }, caFile: ${caFile} }
`;
}
