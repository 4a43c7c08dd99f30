import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fakeClock } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { OidcClient } from "./oidc-client.ts";

test("a login service that is silent is asked once for all who come meanwhile, so that nobody waits for those before, and again for who comes later", async () => {
  const silent: ServerResponse[] = [];
  const server = createServer((_request, response) => silent.push(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const redirectUri = "http://127.0.0.1:8025/login/oidc/callback";
  const rule = {
    kind: "oidc",
    issuer,
    clientId: "console",
    redirectUri,
    scopes: ["openid"],
    rolesClaim: "roles",
    operators: ["a"],
    viewers: [],
  };
  const client = new OidcClient(rule as ConstructorParameters<typeof OidcClient>[0], fakeClock());
  const all = async (count: number): Promise<string[]> => {
    const before = silent.length;
    const coming = Promise.allSettled(Array.from({ length: count }, () => client.begin()));
    await expect.poll(() => silent.length).toBe(before + 1);
    silent.at(-1)?.writeHead(503).end();
    return (await coming).map(({ status }) => status);
  };
  try {
    expect(await all(3)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await all(2)).toEqual(["rejected", "rejected"]);
    expect(silent).toHaveLength(2);
  } finally {
    server.close();
  }
});
