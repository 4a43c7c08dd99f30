import { Secret } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import type { Config } from "./config.ts";
import { loadConfig, secretsOf } from "./load-config.ts";
import { canary, custom, type Given, id, load, tenant } from "./load-yaml.testing.ts";
import { formatProblems } from "./problems.ts";

function good(yaml: string, given?: Given): Config {
  const result = load(yaml, given);
  if (!result.ok) throw new Error(formatProblems(result.problems, "mailfleet.yaml"));
  return result.config;
}

describe("a good configuration", () => {
  test("sends traces to a collector, one poll of a hundred unless it says otherwise", () => {
    expect(good(tenant).traces).toBeUndefined();
    expect(good(`${tenant}traces: { otlpEndpoint: "http://collector:4318" }\n`).traces).toEqual({
      otlpEndpoint: "http://collector:4318/v1/traces",
      sampleRatio: 0.01,
    });
    const own = good(`${tenant}traces: { otlpEndpoint: "https://otel.example/in", sampleRatio: 1, authorizationEnv: OTEL }\n`, {
      env: { OTEL: "Api-Token x" },
    });
    expect(own.traces).toMatchObject({ otlpEndpoint: "https://otel.example/in", sampleRatio: 1 });
    expect(secretsOf(own)).toContain("Api-Token x");
  });

  test("keeps blobs in a bucket, by a key of its own or by what the machine has", () => {
    const amazon = good(`${tenant}blobs: { s3: { bucket: mail-blobs, region: eu-central-1, prefix: fleet } }\n`).blobs;
    expect(amazon).toEqual({
      dir: "/srv/etc/.mailfleet/blobs",
      s3: { bucket: "mail-blobs", region: "eu-central-1", prefix: "fleet/", forcePathStyle: false, serverSideEncryption: "AES256" },
    });
    const own = "{ bucket: b-1, endpoint: 'https://minio.internal:9000', accessKeyId: app, secretKeyFile: ./pw }";
    const config = good(`${tenant}blobs: { dir: ./scratch, s3: ${own} }\n`, { files: { "./pw": "s3-secret-value\n" } });
    expect(config.blobs).toMatchObject({ dir: "/srv/etc/scratch", s3: { region: "us-east-1", prefix: "", forcePathStyle: true } });
    expect(config.blobs.s3).not.toHaveProperty("serverSideEncryption");
    expect(secretsOf(config)).toContain("s3-secret-value");
    expect(JSON.stringify(config)).not.toContain("s3-secret-value");
  });

  test("is complete, canonical, absolute and frozen", () => {
    const config = good(`${tenant}    mailboxes: [" Support@Contoso.com "]\nsync: { folders: { exclude: [Junk Email] } }\n`);
    expect(config).toMatchObject({
      name: "mailfleet",
      dataDir: "/srv/etc/.mailfleet",
      blobs: { dir: "/srv/etc/.mailfleet/blobs" },
      sync: {
        pollSeconds: 300,
        freshWithinSeconds: 600,
        backfill: true,
        folders: { include: ["*"], exclude: ["Junk Email"] },
        concurrency: 8,
      },
      console: { listen: { host: "127.0.0.1", port: 8025 }, readOnly: false, checks: true, hosts: [], trustedProxies: [] },
    });
    expect(config.redis).toBeUndefined();
    expect(config.tenants["contoso"]).toMatchObject({
      alias: "contoso",
      cloud: "global",
      credential: { kind: "secret", source: { file: "/srv/etc/secret" } },
      endpoints: { authority: "https://login.microsoftonline.com", imap: { host: "outlook.office365.com", port: 993, tls: true } },
      mailboxes: [{ address: "support@contoso.com", protocol: "imap" }],
    });
    expect(secretsOf(config)).toEqual([canary]);
    expect(JSON.stringify(config)).not.toContain(canary);
    expect(() => Object.assign(config.sync, { pollSeconds: 1 })).toThrow(TypeError);
    expect("constructor" in config.tenants).toBe(false);
  });

  test("mailboxes come from the list and from the file, each with its protocol", () => {
    const config = good(
      `${tenant}    protocol: pop3\n    mailboxes: [{ address: a@x.example, protocol: imap }, b@x.example]\n    mailboxesFile: boxes.csv\n`,
      {
        files: { "./boxes.csv": "\ufeffprotocol;address\r\nimap;C@x.example\r\n# gone\r\n;d@x.example\r\n" },
      },
    );
    expect(config.tenants["contoso"]?.mailboxes.map(({ address, protocol }) => `${address} ${protocol}`)).toEqual([
      "a@x.example imap",
      "b@x.example pop3",
      "c@x.example imap",
      "d@x.example pop3",
    ]);
  });

  test.each([
    ["", "none"],
    ["sync: { push: all }", "all"],
    ["sync: { push: none }", "none"],
    ['sync: { push: [" Support@Contoso.com ", "*@contoso.com"] }', ["support@contoso.com", "*@contoso.com"]],
  ])("push of %j is %j", (sync, push) => {
    const config = good(`${tenant}    mailboxes: [support@contoso.com]\n${sync}\n`);
    expect(config.sync).toMatchObject({ push, pushConnections: 500 });
  });

  test("push of all comes from the environment too", () => {
    expect(good(tenant, { env: { MAILFLEET_SYNC_PUSH: "all", MAILFLEET_SYNC_PUSH_CONNECTIONS: "40" } }).sync).toMatchObject({
      push: "all",
      pushConnections: 40,
    });
  });

  test("an address to be pushed that no mailbox has is worth a look, and so is one that is read over POP3", () => {
    const result = load(
      `${tenant}    mailboxes: [a@x.example, { address: p@x.example, protocol: pop3 }]\nsync:\n  push: [a@x.example, b@x.example, "p*@x.example"]\n`,
    );
    expect(result.ok && result.warnings.map(({ path, found }) => `${path} ${found}`)).toEqual([
      'sync.push[1] is "b@x.example", which no IMAP mailbox of this file has',
      'sync.push[2] is "p*@x.example", which no IMAP mailbox of this file has',
    ]);
  });

  test.each([
    ["", {}, false],
    ["sync: { pop3: { quit: true } }", {}, true],
    ["sync: { pop3: { quit: true } }", { MAILFLEET_SYNC_POP3_QUIT: "no" }, false],
  ])("with %j and %j in the environment, POP3 sessions end with QUIT: %s", (sync, env, quit) => {
    expect(good(`${tenant}${sync}\n`, { env }).sync.pop3).toEqual({ quit });
  });

  test("without a file there are environment and defaults, and no tenants", () => {
    const result = loadConfig({ env: { MAILFLEET_DATA_DIR: "state", REDIS_URL: "redis://127.0.0.1:6390/2" }, cwd: "/srv" });
    expect(result).toMatchObject({
      ok: true,
      config: { dataDir: "/srv/state", tenants: {}, redis: { host: "127.0.0.1", port: 6390, db: 2 } },
    });
  });

  test("the environment wins over the file, and REDIS_URL loses against both", () => {
    const yaml = `${custom}redis: { url: "redis://localhost:1" }\nsync: { pollSeconds: 60, backfill: true }\n`;
    const env = { MAILFLEET_SYNC_POLL_SECONDS: "5", MAILFLEET_SYNC_BACKFILL: "no", REDIS_URL: "redis://localhost:2" };
    expect(good(yaml, { env })).toMatchObject({ sync: { pollSeconds: 5, backfill: false }, redis: { port: 1 } });
    expect(good(yaml, { env: { ...env, MAILFLEET_REDIS_URL: "redis://localhost:3" } }).redis?.port).toBe(3);
  });

  test.each([
    ["redis://localhost", { host: "localhost", port: 6379, db: 0, tls: false }],
    ["redis://[::1]:7000/3", { host: "::1", port: 7000, db: 3, tls: false }],
    ["unix:///run/redis.sock?db=1", { path: "/run/redis.sock", db: 1, tls: false }],
    ["rediss://app:p%40ss@redis.example:6380", { host: "redis.example", port: 6380, tls: true, username: "app" }],
  ])("the Redis URL %s of the environment is understood", (url, expected) => {
    expect(good(tenant, { env: { MAILFLEET_REDIS_URL: url } }).redis).toMatchObject(expected);
  });

  test("the password of Redis is by reference in the file, and may stand in the environment's URL", () => {
    const byFile = good(`${tenant}redis: { url: "rediss://redis.example", passwordFile: ./secret }\n`);
    expect(byFile.redis?.password?.reveal()).toBe(canary);
    const byUrl = good(tenant, { env: { REDIS_URL: "rediss://:p%40ss@redis.example" } });
    expect(byUrl.redis?.password).toBeInstanceOf(Secret);
    expect(byUrl.redis?.password?.reveal()).toBe("p@ss");
  });

  test.each([
    ["{ secretEnv: THE_SECRET }", { kind: "secret", source: { env: "THE_SECRET" } }],
    ["{ certificate: { keyFile: ./secret, certFile: ./secret } }", { kind: "certificate", keyFile: "/srv/etc/secret" }],
    ["{ federated: { tokenFile: ./secret } }", { kind: "federated" }],
    ["{ managedIdentity: {} }", { kind: "managedIdentity" }],
    ["{ secretFile: ./secret, expires: 2027-05-01 }", { kind: "secret", expiresAt: Date.UTC(2027, 4, 1) }],
  ])("credential %s", (yaml, expected) => {
    const config = good(tenant.replace("{ secretFile: ./secret }", yaml), { env: { THE_SECRET: canary } });
    expect(config.tenants["contoso"]?.credential).toMatchObject(expected);
  });

  test.each([
    ["hex", "0a".repeat(32)],
    ["base64", Buffer.from("0a".repeat(32), "hex").toString("base64")],
  ])("a token key as %s", (_, text) => {
    const config = good(`${tenant}tokenCache: { keyFile: key }\n`, { files: { "./key": `${text}\n` } });
    expect(config.tokenCache.keys?.map((key) => key.reveal())).toEqual([text]);
    expect(config.tokenCache.keyFile).toMatch(/key$/);
  });

  test("several token keys, one a line, the first of which seals", () => {
    const [first, second] = ["0a".repeat(32), "0b".repeat(32)];
    const config = good(`${tenant}tokenCache: { keyFile: key }\n`, { files: { "./key": `${first}\r\n\n${second}\n` } });
    expect(config.tokenCache.keys?.map((key) => key.reveal())).toEqual([first, second]);
  });

  test("a certificate whose key has a passphrase", () => {
    const yaml = "{ certificate: { keyFile: ./secret, certFile: ./secret, passphraseEnv: THE_SECRET } }";
    const config = good(tenant.replace("{ secretFile: ./secret }", yaml), { env: { THE_SECRET: canary } });
    const credential = config.tenants["contoso"]?.credential;
    expect(credential?.kind === "certificate" && credential.passphrase?.reveal()).toBe(canary);
  });

  // Microsoft's documents for global; the others as field guide 1.1 has them.
  test.each([
    ["global", "https://login.microsoftonline.com", "https://outlook.office365.com/.default", "outlook.office365.com"],
    ["usgov", "https://login.microsoftonline.us", "https://outlook.office365.us/.default", "outlook.office365.us"],
    ["dod", "https://login.microsoftonline.us", "https://outlook.office365.us/.default", "outlook-dod.office365.us"],
    ["china", "https://login.partner.microsoftonline.cn", "https://partner.outlook.cn/.default", "partner.outlook.cn"],
  ])("the cloud %s has its login service, scope and mail hosts", (cloud, authority, scope, host) => {
    const config = good(`${tenant}    cloud: ${cloud}\n`);
    expect(config.tenants["contoso"]?.endpoints).toEqual({
      authority,
      scope,
      imap: { host, port: 993, tls: true },
      pop3: { host, port: 995, tls: true },
    });
  });

  test("empty blocks are as good as absent ones, and anchors can be shared", () => {
    expect(good(`${tenant}sync:\nredis:\n`).sync.pollSeconds).toBe(300);
    const config = good(tenant.replace("{ secretFile: ./secret }", "&c { secretFile: ./secret }") + "    nextCredential: *c\n");
    expect(config.tenants["contoso"]?.nextCredential).toMatchObject({ kind: "secret" });
  });
});

describe("warnings do not stop the start", () => {
  test("a secret that everybody can read, a tenant without mailboxes, a variable that is nearly known", () => {
    const result = load(tenant, {
      env: { MAILFLEET_SYNC_POLL_SECOND: "5", MAILFLEET_PORT: "tcp://10.0.0.1:80" },
      files: { "./secret": { bytes: Buffer.from(canary), mode: 0o644 } },
    });
    expect(result.ok && result.warnings.map(({ path, found }) => `${path} ${found}`)).toEqual([
      "tenants.contoso.credential.secretFile can be read by everybody on this machine",
      "tenants.contoso has no mailboxes",
      "MAILFLEET_SYNC_POLL_SECOND is not known",
    ]);
  });
});

test("four mistakes are told at once, as the operator sees them", () => {
  const yaml = `# fleet
dataDir: ./.mailfleet
tenants:
  contoso:
    tenantId: contoso
    clientId: ${id}
    credential:
      secret: ${canary}
    protocol: imap
    mailboxes:
      - support@contoso.com

sync:
  pollSecond: 300
`;
  const result = load(yaml, { env: { MAILFLEET_SYNC_POLL_SECONDS: "5m" } });
  expect(!result.ok && formatProblems(result.problems, "mailfleet.yaml")).toBe(`✗ mailfleet.yaml has 4 problems. Nothing was started.
  line  5   tenants.contoso.tenantId
            is "contoso"; expected a directory id, 36 characters (Entra admin center, App registrations, Overview)
  line  8   tenants.contoso.credential.secret
            is a secret in the file (not shown); expected secretFile or secretEnv
  line 14   sync.pollSecond
            is not known; did you mean pollSeconds?
  env       MAILFLEET_SYNC_POLL_SECONDS
            is "5m"; expected whole seconds from 10 to 86400, such as 300`);
});
