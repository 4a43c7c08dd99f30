import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadConfig } from "./load-config.ts";
import { canary, custom, type Given, id, load, tenant } from "./load-yaml.testing.ts";
import { formatProblems, problemSentence } from "./problems.ts";

/** `line 5 tenants.contoso.tenantId is "contoso"; expected ...`, each; no message may hold the canary. */
function problemsOf(yaml: string, given?: Given): string[] {
  const result = load(yaml, given);
  if (result.ok) return [];
  expect(formatProblems(result.problems, "mailfleet.yaml") + JSON.stringify(result.problems)).not.toContain(canary);
  return result.problems.map(
    (problem) => `${typeof problem.line === "number" ? `line ${problem.line}` : problem.line} ${problemSentence(problem)}`,
  );
}

describe("a bad configuration is refused with its cause, and without its secrets", () => {
  const cases: [name: string, yaml: string, problems: (string | RegExp)[], given?: Given][] = [
    ["no tenants", "dataDir: x\n", [/tenants is missing; expected one block for each tenant/]],
    ["empty tenants", "tenants: {}\n", [/tenants is empty; expected at least one tenant/]],
    ["push of a word", `${tenant}sync: { push: some }\n`, [/sync\.push is "some"; expected none, all, or a list of addresses/]],
    ["push of names", `${tenant}sync: { push: [support] }\n`, [/sync\.push(\[0\])? is .*; expected none, all, or a list of addresses/]],
    ["a secret in push", `${tenant}sync: { push: ["${canary}"] }\n`, [/sync\.push(\[0\])? is .*; expected none, all, or a list/]],
    ["push without a connection", `${tenant}sync: { pushConnections: 0 }\n`, [/pushConnections is 0; expected a number from 1 to 10000/]],
    ["not a map", "- a\n", [/is not a map of settings/]],
    ["no YAML", `tenants: { a: "${canary}\n`, [/is not YAML/]],
    ["a tab", "tenants:\n\tcontoso: {}\n", [/line 2 is not YAML: a tab/]],
    [
      "a secret pasted in place of the credential's map",
      tenant.replace("{ secretFile: ./secret }", canary),
      [/credential is a text \(not shown\)/],
    ],
    [
      "a key twice, beside another mistake",
      `${tenant}sync: { backfill: true }
sync: { backfill: false }
worker: { parseThread: 2 }
`,
      [/line 8 sync is there twice, first on line 7/, /line 9 worker\.parseThread is not known; did you mean parseThreads/],
    ],
    [
      "a secret pasted in place of its file's name",
      tenant.replace("./secret", canary),
      [/secretFile is a file \(name not shown\), and there is no such file/],
    ],
    [
      "a secret pasted in place of its variable's name",
      tenant.replace("secretFile: ./secret", `secretEnv: "${canary}"`),
      [/secretEnv is a text of 40 characters \(not shown\)/],
    ],
    [
      "a secret pasted as client id",
      tenant.replace(`clientId: ${id}`, `clientId: ${canary}`),
      [/clientId is a text of 40 characters \(not shown\)/],
    ],
    ["a secret as a key", `${tenant}    ${canary}: x\n`, [/tenants\.contoso\.\(not shown\) is not known/]],
    [
      "a secret as alias",
      `tenants: { "${canary}": { tenantId: ${id}, clientId: ${id}, credential: { secretFile: ./secret } } }\n`,
      [/tenants\.\(not shown\) is no alias/],
    ],
    ["a secret as mailbox", `${tenant}    mailboxes: ["${canary}"]\n`, [/mailboxes\[0\] is \(not shown\), with no @/]],
    ["an empty secret file", tenant, [/secretFile is "\.\/secret", which is empty/], { files: { "./secret": "\r\n" } }],
    ["a secret file of two lines", tenant, [/has more than one line/], { files: { "./secret": `${canary}\nmore` } }],
    [
      "a secret file from PowerShell",
      tenant,
      [/is UTF-16/],
      { files: { "./secret": { bytes: Buffer.from(`\ufeff${canary}`, "utf16le") } } },
    ],
    ["no such secret file", tenant.replace("./secret", "./nothing"), [/is "\.\/nothing", and there is no such file/]],
    ["a variable that is not set", tenant.replace("secretFile: ./secret", "secretEnv: NOT_THERE"), [/names NOT_THERE, which is not set/]],
    [
      "two credentials",
      tenant.replace("secretFile: ./secret", "secretFile: ./secret, secretEnv: X"),
      [/has secretFile and secretEnv/],
      { env: { X: canary } },
    ],
    ["no credential inside", tenant.replace("{ secretFile: ./secret }", "{}"), [/says no way to prove/]],
    ["missing keys", "tenants: { contoso: { protocol: imap } }\n", [/tenantId is missing/, /clientId is missing/, /credential is missing/]],
    [
      "a day that does not exist",
      tenant.replace("secret }", "secret, expires: 2027-02-30 }"),
      [/expires is "2027-02-30"; expected a date that exists/],
    ],
    ["endpoints without custom", `${tenant}    endpoints: { authority: https://x.example, scope: s }\n`, [/is there, but cloud is global/]],
    ["custom without endpoints", `${tenant}    cloud: custom\n`, [/endpoints is missing/]],
    ["custom without the protocol in use", `${custom}    protocol: pop3\n`, [/endpoints\.pop3 is missing/]],
    [
      "custom without the protocol that one mailbox uses",
      `${custom}    mailboxes: [a@x.example, { address: p@x.example, protocol: pop3 }]\n`,
      [/endpoints\.pop3 is missing; expected host and port, because mailboxes use pop3/],
    ],
    ["an end of POP3 sessions that is neither", `${tenant}sync: { pop3: { quit: never } }\n`, [/quit is "never"; expected true or false/]],
    [
      "a token in the clear",
      custom.replace("host: localhost, port: 10993", "host: mail.example, tls: false"),
      [/the token would travel in the clear/],
    ],
    [
      "a login service in the clear",
      custom.replace("https://localhost:8443/", "http://login.example"),
      [/authority is not encrypted and not on this machine/],
    ],
    ["another way to write loopback", custom.replace("host: localhost, port: 10993", 'host: "0x7f.1", tls: false'), [/in the clear/]],
    ...["169.254.169.254", "2852039166", "0xa9fea9fe", "169.254.43518", "[fe80::1]", "[::ffff:169.254.169.254]", "169.254.169.254."].map(
      (host): (typeof cases)[number] => [
        `the metadata service written as ${host}`,
        `${custom.replace("https://localhost:8443/", `https://${host}/latest`).replace("host: localhost, port: 10993", `host: "${host}"`)}blobs: { s3: { bucket: mail-blobs, endpoint: "https://${host}" } }\n`,
        [/authority is a link-local address/, /imap\.host is a link-local address/, /s3\.endpoint is a link-local address/],
      ],
    ),
    [
      "polling too fast on a real server",
      `${tenant}sync: { pollSeconds: 5 }\n`,
      [/pollSeconds is 5; expected whole seconds from 10 to 86400/],
    ],
    ["a half second", `${tenant}sync: { pollSeconds: 10.5 }\n`, [/pollSeconds is 10\.5; expected whole/]],
    [
      "lists that are none",
      `${tenant}    mailboxes: a@x.example\nsync: { folders: { include: INBOX } }\n`,
      [/mailboxes is "a@x\.example"; expected a list/, /include is "INBOX"; expected a list/],
    ],
    [
      "a bucket without its region, and half a key",
      `${tenant}blobs: { s3: { bucket: mail-blobs, accessKeyId: AKIAEXAMPLE } }\n`,
      [/blobs\.s3 has accessKeyId without its secret; expected accessKeyId with/, /s3\.region is missing; expected the bucket's region/],
    ],
    [
      "traces to nowhere, in no share",
      `${tenant}traces: { otlpEndpoint: "collector:4318", sampleRatio: 2 }\n`,
      [/sampleRatio is 2; expected a share from 0 to 1/, /otlpEndpoint is "collector:4318"; expected a URL/],
    ],
    [
      "a secret for traces in the clear",
      `${tenant}traces: { otlpEndpoint: "http://collector.internal:4318", authorizationFile: ./secret }\n`,
      [/otlpEndpoint would send the secret in the clear; expected https/],
    ],
    [
      "a bucket in the clear, without a name",
      `${tenant}blobs: { s3: { endpoint: "http://minio.internal:9000" } }\n`,
      [/bucket is missing/, /endpoint would send mail in the clear; expected https/],
    ],
    [
      "a secret in a bucket's URL",
      `${tenant}blobs: { s3: { bucket: mail-blobs, endpoint: "https://key:${canary}@minio.internal", kmsKeyId: k } }\n`,
      [/endpoint has a password in it \(not shown\)/, /kmsKeyId stands without serverSideEncryption: aws:kms/],
    ],
    [
      "a console that others can reach",
      `${tenant}console: { listen: "0.0.0.0:8025" }\n`,
      [/others can reach, and there is no login/, /others can reach in the clear; expected console\.tls/],
    ],
    [
      "a console's password that would cross a network in the clear",
      `${tenant}console: { listen: "10.0.0.7:8025", auth: { passwordFile: ./secret } }\n`,
      [/others can reach in the clear/],
    ],
    [
      "proxies that are no addresses",
      `${tenant}console: { trustedProxies: [10.0.0.0/33] }\n`,
      [/trustedProxies is "10\.0\.0\.0\/33"; expected IP addresses or networks/],
    ],
    [
      "TLS of a console with files that are none",
      `${tenant}console: { tls: { certFile: ./secret, keyFile: ./secret } }\n`,
      [/certFile holds no certificate/, /keyFile holds no private key/],
    ],
    [
      "two ways to sign in, one of them half",
      `${tenant}console:
  auth:
    passwordFile: ./secret
    oidc: { issuer: "http://login.example", clientId: c, redirectUri: "https://mailfleet.example/elsewhere" }
`,
      [
        /auth has a password and oidc/,
        /issuer is not encrypted and not on this machine/,
        /redirectUri has the path "\/elsewhere"; expected \/login\/oidc\/callback/,
        /oidc lets nobody in/,
      ],
    ],
    ...["https://mailfleet.example", "mailfleet.example:8443", "*.example"].map((name): (typeof cases)[number] => [
      `a name of the console under which no browser comes: ${name}`,
      `${tenant}console: { hosts: [a.example, "${name}"] }\n`,
      [/console\.hosts has .*; expected names alone/],
    ]),
    [
      "a login service at which people of every directory sign in",
      `${tenant}console:
  auth:
    oidc: { issuer: "https://login.microsoftonline.com/Common/v2.0", clientId: c, redirectUri: "https://mailfleet.example/login/oidc/callback", operators: [a] }
`,
      [/issuer is Entra ID's for all directories: .*; expected your directory's/],
    ],
    [
      "a Redis password in the file",
      `${tenant}redis: { url: "redis://:${canary}@127.0.0.1" }\n`,
      [/url has a password in the file \(not shown\); expected passwordFile or passwordEnv/],
    ],
    [
      "another Redis password in the file",
      `${tenant}redis: { url: "redis://127.0.0.1", password: "${canary}" }\n`,
      [/password is a secret in the file \(not shown\); expected passwordFile or passwordEnv/],
    ],
    ["an open Redis elsewhere", `${tenant}redis: { url: "redis://redis.example" }\n`, [/without TLS and without a password/]],
    [
      "a Redis without TLS elsewhere",
      tenant,
      [/env REDIS_URL is another machine, without TLS;/],
      { env: { REDIS_URL: `redis://u:${encodeURIComponent(canary)}@10.0.0.1` } },
    ],
    [
      "a Redis URL that is none",
      tenant,
      [/env MAILFLEET_REDIS_URL is no Redis URL \(not shown\)/],
      { env: { MAILFLEET_REDIS_URL: `http://x:${canary}@h` } },
    ],
    ["a token key of the wrong size", `${tenant}tokenCache: { keyFile: ./secret }\n`, [/keyFile is not a key of 32 bytes \(not shown\)/]],
    ["certificates not checked", tenant, [/env NODE_TLS_REJECT_UNAUTHORIZED is 0/], { env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } }],
    ["an alias that cannot stand in a key", tenant.replace("contoso:", '"con/toso":'), [/tenants\.con\/toso is no alias/]],
    [
      "a CSV with mistakes",
      `${tenant}    mailboxesFile: boxes.csv\n`,
      [
        /line 2 boxes\.csv is "sales @x\.example": a space/,
        /line 3 boxes\.csv is "b@x\.example": a protocol other/,
        /line 4 boxes\.csv is "A@X\.example": same as line 1/,
      ],
      { files: { "./boxes.csv": "a@x.example\nsales @x.example\nb@x.example,smtp\nA@X.example\n" } },
    ],
  ];
  test.each(cases)("%s", (_, yaml, expected, given) => {
    const problems = problemsOf(yaml, given);
    expect(problems).toHaveLength(expected.length);
    for (const [index, wanted] of expected.entries()) expect(problems[index]).toMatch(wanted);
  });

  test("a short password that is in use is masked wherever else it stands", () => {
    const yaml = tenant.replace(`clientId: ${id}`, "clientId: hunter2").replace("secretFile: ./secret", "secretEnv: S");
    expect(problemsOf(yaml, { env: { S: "hunter2" } })[0]).toMatch(/clientId is "\[secret\]"; expected an application id/);
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
      "✗ nowhere.yaml has 1 problem. Nothing was started.\n            the file cannot be read: there is no such file",
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
  const scalar = fc.oneof(
    fc.string(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(canary),
    fc.constantFrom("__proto__", "2027-01-01", "./secret"),
  );
  const key = fc.oneof(
    fc.constantFrom(
      "tenants",
      "sync",
      "redis",
      "url",
      "contoso",
      "credential",
      "secret",
      "secretFile",
      "mailboxes",
      "endpoints",
      "imap",
      "console",
      "__proto__",
      "constructor",
    ),
    fc.string(),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      scalar,
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(key, tie("tree"), { maxKeys: 6 }),
    ),
  }));

  test("random trees", () => {
    fc.assert(
      fc.property(
        fc.dictionary(key, tree, { maxKeys: 6 }),
        fc.dictionary(
          fc.constantFrom("MAILFLEET_REDIS_URL", "MAILFLEET_NAME", "REDIS_URL", "MAILFLEET_SYNC_BACKFILL"),
          fc.oneof(fc.string(), fc.constant(canary)),
        ),
        (value, env) => {
          const result = load(JSON.stringify(value), { env });
          if (!result.ok) {
            expect(result.problems.length).toBeGreaterThan(0);
            expect(formatProblems(result.problems, "f")).not.toContain(canary);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  test("random text, aliases that multiply, and nesting without end", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: fc.constantFrom(..."ab:- \n\t{}[]&*!|>'\"#,?%@`".split("")), maxLength: 60 }),
          fc.string({ unit: "binary" }),
        ),
        (text) => void load(text),
      ),
      { numRuns: 400 },
    );
    const laughs = `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(", ")}]`).join("\n")}`;
    for (const text of [laughs, "[".repeat(20_000), "a: &a { b: *a }", "a:\n ".repeat(200)]) expect(load(text).ok).toBe(false);
  });
});
