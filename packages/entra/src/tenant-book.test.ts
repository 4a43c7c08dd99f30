import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { isSyncError, Secret } from "@mailfleet/core";
import { fakeClock, makeAppCertificate, recordingLog } from "@mailfleet/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { EntraCredential } from "./entra-tenant.ts";
import { openTenantBook, type TenantBook } from "./tenant-book.ts";
import type { CredentialSettings, TenantSettings } from "./tenant-settings.ts";

const dayMs = 86_400_000;
let dir = "";
let app: Awaited<ReturnType<typeof makeAppCertificate>>;
let other: Awaited<ReturnType<typeof makeAppCertificate>>;
let clock = fakeClock();
let log = recordingLog();
let hidden: string[] = [];

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "mailfleet-book-"));
  [app, other] = await Promise.all([makeAppCertificate({ endsInMs: 6 * dayMs }), makeAppCertificate()]);
});
beforeEach(() => {
  clock = fakeClock();
  log = recordingLog();
  hidden = [];
});
afterAll(() => rm(dir, { recursive: true }));

const at = (name: string): string => path.join(dir, name);

/** As a careful writer does; the time stamp of a file that was written a moment ago may not move. */
async function put(name: string, text: string): Promise<string> {
  await writeFile(at(`${name}.new`), text);
  await rename(at(`${name}.new`), at(name));
  return at(name);
}

function jwt(claims: object): string {
  return ["{}", JSON.stringify(claims), "signature"].map((part) => Buffer.from(part).toString("base64url")).join(".");
}

function settings(credential: CredentialSettings, more: Partial<TenantSettings> = {}): TenantSettings {
  return {
    alias: "contoso",
    tenantId: "11111111-1111-1111-1111-111111111111",
    clientId: "22222222-2222-2222-2222-222222222222",
    credential,
    cloud: "global",
    endpoints: { authority: "https://login.microsoftonline.com", scope: "https://outlook.office365.com/.default" },
    protocol: "imap",
    ...more,
  };
}

const secretIn = (file: string): CredentialSettings => ({ kind: "secret", secret: new Secret("at start"), source: { file } });

async function open(tenant: TenantSettings, env: Record<string, string> = {}): Promise<TenantBook> {
  const book = await openBook(tenant, env);
  book.requireAll();
  return book;
}

function openBook(tenant: TenantSettings, env: Record<string, string> = {}): Promise<TenantBook> {
  return openTenantBook({ tenants: { [tenant.alias]: tenant }, env, clock, log, hide: (secret) => void hidden.push(secret) });
}

async function look(book: TenantBook): Promise<void> {
  const done = book.look();
  // The pause in which a changed file settles, where one changed.
  await Promise.race([done, clock.untilSleeping()]);
  await clock.advance(1_000);
  await done;
}

async function problemOf(tenant: TenantSettings, env: Record<string, string> = {}): Promise<string> {
  const error: unknown = await open(tenant, env).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isSyncError(error) && error.failure.code === "CONFIG_INVALID" ? error.message : `not refused: ${String(error)}`;
}

function secretOf(credential: EntraCredential | undefined): string | undefined {
  return credential?.kind === "secret" ? credential.secret.reveal() : undefined;
}

describe("a credential", () => {
  test("of a file has its newline trimmed, and no log shows it", async () => {
    const book = await open(settings(secretIn(await put("secret", "s3cret\r\n"))));
    expect(secretOf(book.tenant("contoso")?.credential)).toBe("s3cret");
    expect(hidden).toEqual(["s3cret"]);
  });

  test("of an environment variable is used as it is", async () => {
    const book = await open(settings({ kind: "secret", secret: new Secret("given"), source: { env: "SECRET" } }));
    expect(secretOf(book.tenant("contoso")?.credential)).toBe("given");
  });

  test("by certificate has the thumbprint of the certificate, its key and its end", async () => {
    const files = { keyFile: await put("key.pem", app.key), certFile: await put("cert.pem", app.cert) };
    const credential = (await open(settings({ kind: "certificate", ...files }))).tenant("contoso")?.credential;
    const certificate = new X509Certificate(app.cert);
    expect(credential).toMatchObject({
      kind: "certificate",
      thumbprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
      expiresAt: Date.parse(certificate.validTo),
    });
    expect(JSON.stringify(credential)).not.toContain("PRIVATE");
  });

  test("whose key is encrypted opens with its passphrase, and only with it", async () => {
    const key = createPrivateKey(app.key).export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "right" });
    const files = { keyFile: await put("sealed.pem", key.toString()), certFile: await put("cert.pem", app.cert) };
    const book = await open(settings({ kind: "certificate", ...files, passphrase: new Secret("right") }));
    expect(book.tenant("contoso")?.credential.kind).toBe("certificate");
    expect(await problemOf(settings({ kind: "certificate", ...files }))).toContain("is encrypted, and neither passphraseFile");
    expect(await problemOf(settings({ kind: "certificate", ...files, passphrase: new Secret("wrong") }))).toContain("does not open");
  });

  test("that can't be used is named at the start, with its place", async () => {
    const [key, cert, empty] = [await put("key.pem", app.key), await put("cert.pem", app.cert), await put("empty", "\n")];
    const ec = await makeAppCertificate({ key: "ec" });
    const [ecKey, ecCert] = [await put("ec.pem", ec.key), await put("ec-cert.pem", ec.cert)];
    const rows: readonly [CredentialSettings, string][] = [
      [secretIn(empty), "is empty"],
      [secretIn(await put("two", "a\nb\n")), "has more than one line"],
      [secretIn(at("missing")), "cannot be read"],
      [{ kind: "certificate", keyFile: cert, certFile: cert }, "holds no private key in PEM"],
      [{ kind: "certificate", keyFile: key, certFile: key }, "holds no certificate in PEM"],
      [{ kind: "certificate", keyFile: key, certFile: await put("other.pem", other.cert) }, "do not belong together"],
      [{ kind: "certificate", keyFile: ecKey, certFile: ecCert }, "holds no RSA key"],
      [{ kind: "federated", tokenFile: await put("token", "no.jwt") }, "holds no signed token"],
    ];
    for (const [credential, words] of rows) {
      const problem = await problemOf(settings(credential));
      expect(problem).toContain(words);
      expect(problem).toMatch(/^tenants\.contoso\.credential: /);
      expect(problem).not.toContain("PRIVATE");
    }
  });

  test.each([
    [{}, { kind: "imds", url: "http://169.254.169.254/metadata/identity/oauth2/token" }],
    [
      { IDENTITY_ENDPOINT: "http://127.0.0.1:41/msi/token", IDENTITY_HEADER: "h" },
      { kind: "app-service", url: "http://127.0.0.1:41/msi/token" },
    ],
  ])("by managed identity is asked for where Azure says: %o", async (env, endpoint) => {
    const book = await open(settings({ kind: "managedIdentity" }), env);
    expect(book.tenant("contoso")?.credential).toMatchObject({ kind: "managedIdentity", endpoint });
  });

  test("by managed identity is not asked for elsewhere", async () => {
    const env = { IDENTITY_ENDPOINT: "http://198.51.100.7/token", IDENTITY_HEADER: "h" };
    expect(await problemOf(settings({ kind: "managedIdentity" }), env)).toContain("names no endpoint on this machine");
  });
});

test.each([
  ["by the tenant's protocol where mailboxes are registered only", "pop3", undefined, ["pop3"]],
  ["by the tenant's protocol where no mailbox is named", "pop3", [], ["pop3"]],
  ["by its mailboxes where all say otherwise", "imap", ["pop3", "pop3"], ["pop3"]],
  ["by both where its mailboxes are mixed", "imap", ["pop3", "imap", "pop3"], ["pop3", "imap"]],
] as const)("the permissions that a tenant's token needs are told %s", async (_, protocol, boxes, expected) => {
  const credential: CredentialSettings = { kind: "secret", secret: new Secret("given"), source: { env: "SECRET" } };
  const mailboxes = boxes?.map((own) => ({ protocol: own }));
  const book = await open(settings(credential, { protocol, ...(mailboxes && { mailboxes }) }));
  expect(book.tenant("contoso")?.protocols).toEqual(expected);
});

describe("a file that is replaced", () => {
  test("is read within one look, and the tenant is another object from then on", async () => {
    const book = await open(settings(secretIn(await put("rotated", "old"))));
    const before = book.tenant("contoso");
    await look(book);
    expect(book.tenant("contoso")).toBe(before);
    await put("rotated", "brand-new\n");
    await look(book);
    expect(secretOf(book.tenant("contoso")?.credential)).toBe("brand-new");
    expect(hidden).toContain("brand-new");
    expect(JSON.stringify(log.records)).not.toContain("brand-new");
  });

  test("by another link, as Kubernetes does it, is read", async () => {
    await Promise.all([put("v1", "one"), put("v2", "two")]);
    await symlink(at("v1"), at("linked"));
    const book = await open(settings(secretIn(at("linked"))));
    await symlink(at("v2"), at("linked.new"));
    await rename(at("linked.new"), at("linked"));
    await look(book);
    expect(secretOf(book.tenant("contoso")?.credential)).toBe("two");
  });

  test("is not read while it is being written", async () => {
    const book = await open(settings(secretIn(await put("growing", "whole-old"))));
    await writeFile(at("growing"), "ha");
    const done = book.look();
    await clock.untilSleeping();
    await writeFile(at("growing"), "half-written-no-more");
    await clock.advance(1_000);
    await done;
    expect(secretOf(book.tenant("contoso")?.credential)).toBe("whole-old");
    await look(book);
    expect(secretOf(book.tenant("contoso")?.credential)).toBe("half-written-no-more");
  });

  test.each([
    ["missing", () => rm(at("kept")), "cannot be read"],
    ["empty", () => put("kept", "\n"), "is empty"],
  ])("and is %s keeps what was read last, and is told until it is mended", async (_, breakIt, words) => {
    const book = await open(settings(secretIn(await put("kept", "good"))));
    await breakIt();
    await look(book);
    await look(book);
    expect(secretOf(book.tenant("contoso")?.credential)).toBe("good");
    expect(book.problems().join()).toContain(words);
    expect(log.records.filter(({ level }) => level === "warn")).toHaveLength(1);
    await look(book);
    expect(log.records.filter(({ level }) => level === "warn")).toHaveLength(1);
    await put("kept", "better");
    await look(book);
    await look(book);
    expect(book.problems()).toEqual([]);
    expect(secretOf(book.tenant("contoso")?.credential)).toBe("better");
  });

  test("as one half of a pair is used with the other half only", async () => {
    const files = { keyFile: await put("key.pem", app.key), certFile: await put("cert.pem", app.cert) };
    const book = await open(settings({ kind: "certificate", ...files }));
    const before = book.tenant("contoso")?.credential;
    await put("key.pem", other.key);
    await look(book);
    expect(book.tenant("contoso")?.credential).toBe(before);
    await put("cert.pem", other.cert);
    await look(book);
    expect(book.tenant("contoso")?.credential).toMatchObject({
      thumbprint: new X509Certificate(other.cert).fingerprint256.replaceAll(":", "").toLowerCase(),
    });
    expect(log.records.filter(({ level }) => level === "warn")).toEqual([]);
  });

  test("with certificate authorities serves login and mail host; a bundle cut in the middle does not", async () => {
    const caFile = await put("ca.pem", app.cert);
    const book = await open(
      settings(
        { kind: "secret", secret: new Secret("s"), source: { env: "S" } },
        {
          endpoints: { authority: "https://localhost:1", scope: "s", caFile },
        },
      ),
    );
    await put("ca.pem", `${app.cert}${other.cert.slice(0, 300)}`);
    await look(book);
    expect(book.caPem("contoso")).toBe(app.cert);
    expect(book.problems().join()).toContain("no whole certificate");
    await put("ca.pem", `${app.cert}${other.cert}`);
    await look(book);
    expect(book.caPem("contoso")).toBe(`${app.cert}${other.cert}`);
    expect(book.tenant("contoso")?.caPem).toBe(book.caPem("contoso"));
  });

  test("with a federated token is used at once, and one that nobody renews is told", async () => {
    const end = (ms: number): object => ({ exp: Math.floor((clock.now() + ms) / 1000) });
    const book = await open(settings({ kind: "federated", tokenFile: await put("token", jwt(end(60_000))) }));
    const next = jwt(end(3_600_000));
    await put("token", `${next}\n`);
    await look(book);
    const { credential } = book.tenant("contoso") ?? {};
    expect(credential?.kind === "federated" && credential.assertion.reveal()).toBe(next);
    await clock.advance(3_700_000);
    await look(book);
    expect(book.problems().join()).toContain("the token in its file has ended");
  });
});
