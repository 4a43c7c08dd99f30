import { Secret } from "@mailfleet/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Config, ConfigResult } from "./config.ts";
import type { FileContent } from "./files.ts";
import { loadConfig, secretsOf } from "./load-config.ts";
import { formatProblems } from "./problems.ts";

/** Looks like a client secret of Entra; must never be seen in any message. */
const canary = "hQ8~cAnary.Value-7Zx_42abcdefghijklmnopq";
const id = "00000000-0000-0000-0000-000000000001";

interface Given {
  readonly env?: Record<string, string>;
  readonly files?: Record<string, string | FileContent>;
}

function load(yaml: string, given: Given = {}): ConfigResult {
  const files: Record<string, string | FileContent> = { "./secret": `${canary}\n`, ...given.files, "./mailfleet.yaml": yaml };
  return loadConfig({
    file: "etc/mailfleet.yaml",
    cwd: "/srv",
    env: given.env ?? {},
    readFile(path) {
      const content = files[path.replace("/srv/etc/", "./")];
      if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
      return typeof content === "string" ? { bytes: Buffer.from(content), mode: 0o600 } : content;
    },
  });
}

function good(yaml: string, given?: Given): Config {
  const result = load(yaml, given);
  if (!result.ok) throw new Error(formatProblems(result.problems, "mailfleet.yaml"));
  return result.config;
}

/** The listing without its first line, secrets checked. */
function problemsOf(yaml: string, given?: Given): string[] {
  const result = load(yaml, given);
  if (result.ok) return [];
  const text = formatProblems(result.problems, "mailfleet.yaml");
  expect(text + JSON.stringify(result.problems)).not.toContain(canary);
  return text
    .split("\n")
    .slice(1)
    .join("\n")
    .split(/\n(?= {2}\S)|\n(?= {12}\s*\S+.*\n {2}\S)/)
    .map((entry) => entry.replace(/\s+/g, " ").trim());
}

const tenant = `
tenants:
  contoso:
    tenantId: ${id}
    clientId: ${id}
    credential: { secretFile: ./secret }
`;

const custom = `${tenant}    cloud: custom
    endpoints:
      authority: https://localhost:8443/
      scope: https://outlook.office365.com/.default
      imap: { host: localhost, port: 10993 }
`;

describe("a good configuration", () => {
  test("is complete, canonical, absolute and frozen", () => {
    const config = good(`${tenant}    mailboxes: [" Support@Contoso.com "]\nsync: { folders: { exclude: [Junk Email] } }\n`);
    expect(config).toMatchObject({
      name: "mailfleet",
      dataDir: "/srv/etc/.mailfleet",
      blobs: { dir: "/srv/etc/.mailfleet/blobs" },
      sync: { pollSeconds: 300, freshWithinSeconds: 600, backfill: true, folders: { include: ["*"], exclude: ["Junk Email"] }, concurrency: 8 },
      console: { listen: { host: "127.0.0.1", port: 8025 }, readOnly: false },
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
    const config = good(`${tenant}    protocol: pop3\n    mailboxes: [{ address: a@x.example, protocol: imap }, b@x.example]\n    mailboxesFile: boxes.csv\n`, {
      files: { "./boxes.csv": "\ufeffprotocol;address\r\nimap;C@x.example\r\n# gone\r\n;d@x.example\r\n" },
    });
    expect(config.tenants["contoso"]?.mailboxes.map(({ address, protocol }) => `${address} ${protocol}`)).toEqual([
      "a@x.example imap",
      "b@x.example pop3",
      "c@x.example imap",
      "d@x.example pop3",
    ]);
  });

  test("without a file there are environment and defaults, and no tenants", () => {
    const result = loadConfig({ env: { MAILFLEET_DATA_DIR: "state", REDIS_URL: "redis://127.0.0.1:6390/2" }, cwd: "/srv" });
    expect(result).toMatchObject({ ok: true, config: { dataDir: "/srv/state", tenants: {}, redis: { host: "127.0.0.1", port: 6390, db: 2 } } });
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
    expect(config.tokenCache.key?.reveal()).toBe("0a".repeat(32));
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

describe("a bad configuration is refused with its cause, and without its secrets", () => {
  const cases: [name: string, yaml: string, problems: (string | RegExp)[], given?: Given][] = [
    ["no tenants", "dataDir: x\n", [/tenants is missing; expected one block for each tenant/]],
    ["empty tenants", "tenants: {}\n", [/tenants is empty; expected at least one tenant/]],
    ["not a map", "- a\n", [/is not a map of settings/]],
    ["no YAML", `tenants: { a: "${canary}\n`, [/is not YAML/]],
    ["a tab", "tenants:\n\tcontoso: {}\n", [/line 2 is not YAML: a tab/]],
    ["a key twice", `${tenant}sync: { backfill: true }\nsync: { backfill: false }\n`, [/line 8 sync is there twice, first on line 7/]],
    ["a secret pasted in place of the credential's map", tenant.replace("{ secretFile: ./secret }", canary), [/credential is a text \(not shown\)/]],
    ["a secret pasted in place of its file's name", tenant.replace("./secret", canary), [/secretFile is a file \(name not shown\), and there is no such file/]],
    ["a secret pasted in place of its variable's name", tenant.replace("secretFile: ./secret", `secretEnv: "${canary}"`), [/secretEnv is a text of 40 characters \(not shown\)/]],
    ["a secret pasted as client id", tenant.replace(`clientId: ${id}`, `clientId: ${canary}`), [/clientId is a text of 40 characters \(not shown\)/]],
    ["a secret as a key", `${tenant}    ${canary}: x\n`, [/tenants\.contoso\.\(not shown\) is not known/]],
    ["a secret as alias", `tenants: { "${canary}": { tenantId: ${id}, clientId: ${id}, credential: { secretFile: ./secret } } }\n`, [/tenants\.\(not shown\) is no alias/]],
    ["a secret as mailbox", `${tenant}    mailboxes: ["${canary}"]\n`, [/mailboxes\[0\] is \(not shown\), with no @/]],
    ["an empty secret file", tenant, [/secretFile is "\.\/secret", which is empty/], { files: { "./secret": "\r\n" } }],
    ["a secret file of two lines", tenant, [/has more than one line/], { files: { "./secret": `${canary}\nmore` } }],
    ["a secret file from PowerShell", tenant, [/is UTF-16/], { files: { "./secret": { bytes: Buffer.from(`\ufeff${canary}`, "utf16le") } } }],
    ["no such secret file", tenant.replace("./secret", "./nothing"), [/is "\.\/nothing", and there is no such file/]],
    ["a variable that is not set", tenant.replace("secretFile: ./secret", "secretEnv: NOT_THERE"), [/names NOT_THERE, which is not set/]],
    ["two credentials", tenant.replace("secretFile: ./secret", "secretFile: ./secret, secretEnv: X"), [/has secretFile and secretEnv/], { env: { X: canary } }],
    ["no credential inside", tenant.replace("{ secretFile: ./secret }", "{}"), [/says no way to prove/]],
    ["missing keys", "tenants: { contoso: { protocol: imap } }\n", [/tenantId is missing/, /clientId is missing/, /credential is missing/]],
    ["a day that does not exist", tenant.replace("secret }", "secret, expires: 2027-02-30 }"), [/expires is "2027-02-30"; expected a date that exists/]],
    ["endpoints without custom", `${tenant}    endpoints: { authority: https://x.example, scope: s }\n`, [/is there, but cloud is global/]],
    ["custom without endpoints", `${tenant}    cloud: custom\n`, [/endpoints is missing/]],
    ["custom without the protocol in use", `${custom}    protocol: pop3\n`, [/endpoints\.pop3 is missing/]],
    ["a token in the clear", custom.replace("host: localhost, port: 10993", "host: mail.example, tls: false"), [/the token would travel in the clear/]],
    ["a login service in the clear", custom.replace("https://localhost:8443/", "http://login.example"), [/authority is not encrypted and not on this machine/]],
    ["another way to write loopback", custom.replace("host: localhost, port: 10993", 'host: "0x7f.1", tls: false'), [/in the clear/]],
    ["polling too fast on a real server", `${tenant}sync: { pollSeconds: 5 }\n`, [/pollSeconds is 5; expected whole seconds from 10 to 86400/]],
    ["a half second", `${tenant}sync: { pollSeconds: 10.5 }\n`, [/pollSeconds is 10\.5; expected whole/]],
    ["lists that are none", `${tenant}    mailboxes: a@x.example\nsync: { folders: { include: INBOX } }\n`, [/mailboxes is "a@x\.example"; expected a list/, /include is "INBOX"; expected a list/]],
    ["S3", `${tenant}blobs: { s3: { bucket: b } }\n`, [/blobs\.s3 is not in this version; expected dir/]],
    ["a console that others can reach", `${tenant}console: { listen: "0.0.0.0:8025" }\n`, [/others can reach, and there is no login/]],
    ["a Redis password in the file", `${tenant}redis: { url: "redis://:${canary}@127.0.0.1" }\n`, [/url has a password in the file \(not shown\); expected passwordFile or passwordEnv/]],
    ["another Redis password in the file", `${tenant}redis: { url: "redis://127.0.0.1", password: "${canary}" }\n`, [/password is a secret in the file \(not shown\); expected passwordFile or passwordEnv/]],
    ["an open Redis elsewhere", `${tenant}redis: { url: "redis://redis.example" }\n`, [/without TLS and without a password/]],
    ["a Redis without TLS elsewhere", tenant, [/env REDIS_URL is another machine, without TLS;/], { env: { REDIS_URL: `redis://u:${encodeURIComponent(canary)}@10.0.0.1` } }],
    ["a Redis URL that is none", tenant, [/env MAILFLEET_REDIS_URL is no Redis URL \(not shown\)/], { env: { MAILFLEET_REDIS_URL: `http://x:${canary}@h` } }],
    ["a token key of the wrong size", `${tenant}tokenCache: { keyFile: ./secret }\n`, [/keyFile is not a key of 32 bytes \(not shown\)/]],
    ["certificates not checked", tenant, [/env NODE_TLS_REJECT_UNAUTHORIZED is 0/], { env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } }],
    ["an alias that cannot stand in a key", tenant.replace("contoso:", '"con/toso":'), [/tenants\.con\/toso is no alias/]],
    ["a CSV with mistakes", `${tenant}    mailboxesFile: boxes.csv\n`, [/line 2 boxes\.csv is "sales @x\.example": a space/, /line 3 boxes\.csv is "b@x\.example": a protocol other/, /line 4 boxes\.csv is "a@x\.example": same as line 1/], { files: { "./boxes.csv": "a@x.example\nsales @x.example\nb@x.example,smtp\nA@X.example\n" } }],
  ];
  test.each(cases)("%s", (_, yaml, expected, given) => {
    const problems = problemsOf(yaml, given);
    expect(problems).toHaveLength(expected.length);
    for (const [index, wanted] of expected.entries()) expect(problems[index]).toMatch(wanted);
  });

  test("six spellings of one mailbox over two tenants and a file are one mailbox and five problems", () => {
    const other = tenant.replace("tenants:\n", "").replace("contoso:", "fabrikam:");
    const yaml = `${tenant}    mailboxes: [box@x.example, BOX@x.example, " box@x.example", { address: Box@X.Example }]\n${other.trimStart().replace(/^/, "  ")}    mailboxes: [box@X.EXAMPLE]\n    mailboxesFile: boxes.csv\n`;
    const problems = problemsOf(yaml, { files: { "./boxes.csv": "address\n  bOx@x.example  \n" } });
    expect(problems).toHaveLength(5);
    for (const problem of problems) expect(problem).toContain("the same mailbox as on line 7; expected each mailbox once");
  });

  test("a file that is not there", () => {
    const result = loadConfig({ file: "nowhere.yaml", env: {}, cwd: "/nonexistent" });
    expect(!result.ok && formatProblems(result.problems, "nowhere.yaml")).toBe(
      '✗ nowhere.yaml has 1 problem. Nothing was started.\n            is "nowhere.yaml", and there is no such file',
    );
  });

  test("a thousand problems are counted, and two hundred listed", () => {
    const csv = Array.from({ length: 1_000 }, (_, index) => `bad ${index}@x.example`).join("\n");
    const result = load(`${tenant}    mailboxesFile: boxes.csv\n`, { files: { "./boxes.csv": csv } });
    const text = result.ok ? "" : formatProblems(result.problems, "mailfleet.yaml");
    expect(text).toMatch(/^✗ mailfleet\.yaml has 1,000 problems\./);
    expect(text).toMatch(/and 800 more$/);
  });
});

describe("whatever stands in the file, loading answers and never throws", () => {
  const scalar = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(canary), fc.constantFrom("__proto__", "2027-01-01", "./secret"));
  const key = fc.oneof(
    fc.constantFrom("tenants", "sync", "redis", "url", "contoso", "credential", "secret", "secretFile", "mailboxes", "endpoints", "imap", "console", "__proto__", "constructor"),
    fc.string(),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ depthSize: "small" }, scalar, fc.array(tie("tree"), { maxLength: 4 }), fc.dictionary(key, tie("tree"), { maxKeys: 6 })),
  }));

  test("random trees", () => {
    fc.assert(
      fc.property(fc.dictionary(key, tree, { maxKeys: 6 }), fc.dictionary(fc.constantFrom("MAILFLEET_REDIS_URL", "MAILFLEET_NAME", "REDIS_URL", "MAILFLEET_SYNC_BACKFILL"), fc.oneof(fc.string(), fc.constant(canary))), (value, env) => {
        const result = load(JSON.stringify(value), { env });
        if (!result.ok) {
          expect(result.problems.length).toBeGreaterThan(0);
          expect(formatProblems(result.problems, "f")).not.toContain(canary);
        }
      }),
      { numRuns: 400 },
    );
  });

  test("random text, aliases that multiply, and nesting without end", () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: fc.constantFrom(..."ab:- \n\t{}[]&*!|>'\"#,?%@`") }), fc.string({ unit: "binary" })), (text) => void load(text)), { numRuns: 400 });
    const laughs = `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(", ")}]`).join("\n")}`;
    for (const text of [laughs, "[".repeat(20_000), "a: &a { b: *a }", `${"a:\n ".repeat(200)}`]) expect(load(text).ok).toBe(false);
  });
});
