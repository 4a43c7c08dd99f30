import { createSign, generateKeyPairSync } from "node:crypto";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { redisKeys, Secret } from "@mailfleet/core";
import { createCredentialDesk, createKeyRing, createTokenSource, openTenantBook, type TenantBook } from "@mailfleet/entra";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { createCredentialNotes, createTokenCache } from "@mailfleet/store";
import { makeAppCertificate, recordingLog, sharedRedisUrl, uniqueName } from "@mailfleet/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

type Settings = Parameters<typeof openTenantBook>[0]["tenants"][string];
type CredentialSettings = Settings["credential"];

let dir = "";
let sandbox: Sandbox;
let redis: Redis;
const ending: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "mailfleet-credentials-"));
  sandbox = await startSandbox({
    dataDir: join(dir, "sandbox"),
    tenants: ["contoso", "fabrikam", "northwind", "litware"].map((alias) => ({ alias, mailboxes: 1, messages: 0 })),
  });
  redis = new Redis(sharedRedisUrl());
});
afterAll(async () => {
  for (const end of ending.splice(0)) await end();
  redis.disconnect();
  await sandbox.close();
  await rm(dir, { recursive: true });
});

async function put(name: string, text: string): Promise<string> {
  const file = join(dir, name);
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
  return file;
}

const secretIn = (file: string): CredentialSettings => ({ kind: "secret", secret: new Secret("unused"), source: { file } });

/** One worker of a fleet of its own. */
async function worker(alias: string, credential: CredentialSettings, nextCredential?: CredentialSettings) {
  const { tenantId, clientId } = sandbox.tenants.find((tenant) => tenant.alias === alias) as Sandbox["tenants"][number];
  const settings: Settings = {
    alias,
    tenantId,
    clientId,
    credential,
    ...(nextCredential && { nextCredential }),
    cloud: "custom",
    endpoints: { authority: sandbox.authority, scope: "https://outlook.office365.com/.default", caFile: sandbox.caFile },
    protocol: "imap",
  };
  const log = recordingLog();
  const keys = redisKeys(uniqueName("credentials"));
  const env = { AZURE_POD_IDENTITY_AUTHORITY_HOST: sandbox.managedIdentityUrl };
  const book: TenantBook = await openTenantBook({ tenants: { [alias]: settings }, env, clock: systemClock, log, hide: () => undefined });
  book.requireAll();
  const shared = { cache: createTokenCache(redis, keys), clock: systemClock, chance: systemChance, log, scrub: (text: string) => text };
  const notes = createCredentialNotes(redis, keys);
  const ring = createKeyRing([new Uint8Array(32)]);
  const tokens = createTokenSource({ ...shared, tenants: book.tenant, keyRing: () => ring, onTried: (note) => void notes.write(note) });
  const desk = createCredentialDesk({ ...shared, book, notes, keys: { look: async () => undefined } });
  ending.push(() => Promise.all([tokens.close(), desk.stop()]));
  return { tokens, desk, notes, log };
}

/** The credentials of a tenant that were used. */
function usesOf(alias: string): readonly string[] {
  return [...sandbox.counters.credentialUses.keys()]
    .filter((name) => name.startsWith(`${alias} `))
    .map((name) => name.slice(alias.length + 1));
}

describe("a token comes by", () => {
  test("a certificate", async () => {
    const app = await makeAppCertificate();
    const name = sandbox.addCertificate("contoso", app.cert);
    const [keyFile, certFile] = [await put("key.pem", app.key), await put("cert.pem", app.cert)];
    const { tokens, notes } = await worker("contoso", { kind: "certificate", keyFile, certFile });
    expect((await tokens.getToken("contoso")).value.reveal()).toMatch(/^eyJ/);
    expect(usesOf("contoso")).toEqual([name]);
    expect(await notes.read()).toMatchObject([{ tenant: "contoso", role: "current", ok: true }]);
  });

  test("a federated token, and by the next one when that has ended and its file is written anew", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const trust = { issuer: "https://idp.example", subject: "mailfleet", audience: "api://AzureADTokenExchange" };
    const name = sandbox.trustFederation("fabrikam", { ...trust, keys: publicKey.export({ type: "spki", format: "pem" }).toString() });
    const now = Math.floor(Date.now() / 1000);
    const assertion = (exp: number): string => {
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
      const claims = { iss: trust.issuer, sub: trust.subject, aud: trust.audience, iat: exp - 600, nbf: exp - 600, exp };
      const text = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
      return `${text}.${createSign("sha256").update(text).sign(privateKey, "base64url")}`;
    };
    const tokenFile = await put("assertion", assertion(now - 3_600));
    const { tokens, desk } = await worker("fabrikam", { kind: "federated", tokenFile });
    await expect(tokens.getToken("fabrikam")).rejects.toMatchObject({
      failure: { code: "ENTRA_CLOCK_WRONG", message: expect.stringContaining("see to whoever writes it") },
    });
    await put("assertion", assertion(now + 300));
    await desk.round();
    expect((await tokens.getToken("fabrikam")).value.reveal()).toMatch(/^eyJ/);
    expect(usesOf("fabrikam")).toContain(name);
  });

  test("the machine's managed identity", async () => {
    const { clientId } = sandbox.tenants.find(({ alias }) => alias === "northwind") as Sandbox["tenants"][number];
    const { tokens } = await worker("northwind", { kind: "managedIdentity", clientId });
    const token = await tokens.getToken("northwind");
    expect(token.expiresAt - Date.now()).toBeGreaterThan(23 * 3_600_000);
    expect(usesOf("northwind")).toEqual(["managed-identity"]);
  });
});

test("a secret is rotated without a failed request: the next one is tried, takes over when the first ends, and takes its place", async () => {
  const [old, next] = [sandbox.secretOf("litware"), sandbox.addSecret("litware").secret];
  const [first, second] = [await put("secret", old), await put("next", `${next}\n`)];
  const { tokens, desk, notes } = await worker("litware", secretIn(first), secretIn(second));
  const before = await tokens.getToken("litware");
  await desk.round();
  expect(await notes.read()).toEqual(expect.arrayContaining([expect.objectContaining({ role: "next", ok: true })]));
  // The first one ends; a mail server refuses its token as well, as after a revocation.
  sandbox.rotateSecret("litware", next);
  const after = await tokens.getToken("litware", { rejected: before });
  expect(after.value.reveal()).not.toBe(before.value.reveal());
  // Its place is taken: the same token goes on.
  await put("secret", next);
  await desk.round();
  expect((await tokens.getToken("litware")).value.reveal()).toBe(after.value.reveal());
  expect(tokens.stats()).toMatchObject({ requests: 3, failures: 1 });
});
