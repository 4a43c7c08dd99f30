import { Secret } from "@mailfleet/core";
import { expect, test } from "vitest";
import type { EntraTenant } from "./entra-tenant.ts";
import { tenantVersion, tokenIdentity } from "./token-identity.ts";

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
  ["credential", { credential: { kind: "secret", secret: new Secret("two") } }],
  ["login service", { authority: "https://login.microsoftonline.us" }],
  ["kind of login service", { isCustomAuthority: true }],
  ["scope", { scope: "https://outlook.office365.us/.default" }],
  ["protocols", { protocols: ["imap"] }],
];

test.each(changes)("another %s is another identity", async (_, change) => {
  expect(await tokenIdentity({ ...tenant, ...change })).not.toBe(await tokenIdentity(tenant));
  expect(tenantVersion({ ...tenant, ...change })).not.toBe(tenantVersion(tenant));
});

test("another alias, spelling or order is the same identity, for every process", async () => {
  const other: EntraTenant = {
    ...tenant,
    alias: "fabrikam",
    tenantId: tenant.tenantId.toUpperCase(),
    authority: "https://LOGIN.microsoftonline.com/",
    protocols: ["pop3", "imap", "imap"],
  };
  expect(await tokenIdentity(other)).toBe(await tokenIdentity(tenant));
  expect(await tokenIdentity(tenant)).toMatch(/^[0-9a-f]{64}$/);
});

test("another certificate authority makes this process start anew, and shares the token all the same", async () => {
  const other = { ...tenant, caPem: "PEM" };
  expect(tenantVersion(other)).not.toBe(tenantVersion(tenant));
  expect(await tokenIdentity(other)).toBe(await tokenIdentity(tenant));
});
