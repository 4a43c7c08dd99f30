import { Secret } from "@mailfleet/core";
import { describe, expect, test } from "vitest";
import type { EntraCredential, EntraTenant } from "./entra-tenant.ts";
import { credentialIdentity, tenantVersion, tokenIdentity } from "./token-identity.ts";

const tenant: EntraTenant = {
  alias: "contoso",
  tenantId: "aaaaaaaa-1111-1111-1111-111111111111",
  clientId: "bbbbbbbb-2222-2222-2222-222222222222",
  credential: { kind: "secret", secret: new Secret("one") },
  authority: "https://login.microsoftonline.com",
  isCustomAuthority: false,
  scope: "https://outlook.office365.com/.default",
  protocols: ["imap", "pop3"],
};

const changes: readonly [string, Partial<EntraTenant>][] = [
  ["directory", { tenantId: "cccccccc-1111-1111-1111-111111111111" }],
  ["app", { clientId: "cccccccc-2222-2222-2222-222222222222" }],
  ["login service", { authority: "https://login.microsoftonline.us" }],
  ["kind of login service", { isCustomAuthority: true }],
  ["scope", { scope: "https://outlook.office365.us/.default" }],
  ["protocols", { protocols: ["imap"] }],
];

test.each(changes)("another %s is another identity, of token and credential", async (_, change) => {
  const other = { ...tenant, ...change };
  expect(tokenIdentity(other)).not.toBe(tokenIdentity(tenant));
  expect(tenantVersion(other)).not.toBe(tenantVersion(tenant));
  expect(await credentialIdentity(other, tenant.credential)).not.toBe(await credentialIdentity(tenant, tenant.credential));
});

test("another alias, spelling or order is the same identity, for every process", () => {
  const other: EntraTenant = {
    ...tenant,
    alias: "fabrikam",
    tenantId: tenant.tenantId.toUpperCase(),
    authority: "https://LOGIN.microsoftonline.com/",
    protocols: ["pop3", "imap", "imap"],
  };
  expect(tokenIdentity(other)).toBe(tokenIdentity(tenant));
  expect(tokenIdentity(tenant)).toMatch(/^[0-9a-f]{64}$/);
});

test("another certificate authority makes this process start anew, and shares the token all the same", () => {
  const other = { ...tenant, caPem: "PEM" };
  expect(tenantVersion(other)).not.toBe(tenantVersion(tenant));
  expect(tokenIdentity(other)).toBe(tokenIdentity(tenant));
});

describe("a credential", () => {
  const imds = { kind: "imds", url: "http://169.254.169.254" } as const;
  const some: readonly EntraCredential[] = [
    { kind: "secret", secret: new Secret("one") },
    { kind: "secret", secret: new Secret("two") },
    { kind: "certificate", thumbprint: "ab".repeat(32), privateKey: new Secret("one") },
    { kind: "certificate", thumbprint: "cd".repeat(32), privateKey: new Secret("one") },
    { kind: "federated", assertion: new Secret("one") },
    { kind: "federated", assertion: new Secret("two") },
    { kind: "managedIdentity", endpoint: imds },
    { kind: "managedIdentity", clientId: tenant.clientId, endpoint: imds },
  ];

  test("that changes has a past of its own, and shares the token", async () => {
    const identities = await Promise.all(some.map((credential) => credentialIdentity(tenant, credential)));
    expect(new Set(identities).size).toBe(some.length);
    for (const identity of identities) expect(identity).toMatch(/^[0-9a-f]{64}$/);
    for (const credential of some) expect(tokenIdentity({ ...tenant, credential })).toBe(tokenIdentity(tenant));
  });

  test("is the same for every process", async () => {
    expect(await credentialIdentity(tenant, { kind: "secret", secret: new Secret("one") })).toBe(
      await credentialIdentity({ ...tenant }, tenant.credential),
    );
  });
});
