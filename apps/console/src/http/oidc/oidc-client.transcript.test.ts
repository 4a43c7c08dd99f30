import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fakeClock } from "@mailfleet/testkit";
import { afterEach, expect, test } from "vitest";
import { OidcClient, type OidcFailure } from "./oidc-client.ts";

let close: (() => void) | undefined;
afterEach(() => close?.());

/** A client of a service that answers so. */
async function clientOf(answer: RequestListener): Promise<{ readonly client: OidcClient; readonly issuer: string }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  close = () => void (server.closeAllConnections(), server.close());
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const redirectUri = "http://127.0.0.1:8025/login/oidc/callback";
  const about = { clientId: "console", scopes: ["openid"], rolesClaim: "roles", operators: ["a"], viewers: [] };
  return { client: new OidcClient({ kind: "oidc", issuer, redirectUri, ...about }, fakeClock()), issuer };
}

test("a login service that is silent is asked once for all who come meanwhile, so that nobody waits for those before, and again for who comes later", async () => {
  const silent: ServerResponse[] = [];
  const { client } = await clientOf((_request, response) => silent.push(response));
  const all = async (count: number): Promise<string[]> => {
    const before = silent.length;
    const coming = Promise.allSettled(Array.from({ length: count }, () => client.begin()));
    await expect.poll(() => silent.length).toBe(before + 1);
    silent.at(-1)?.writeHead(503).end();
    return (await coming).map(({ status }) => status);
  };
  expect(await all(3)).toEqual(["rejected", "rejected", "rejected"]);
  expect(await all(2)).toEqual(["rejected", "rejected"]);
  expect(silent).toHaveLength(2);
});

const wrong: readonly (readonly [what: string, status: number, claims: object | undefined, failure: Pick<OidcFailure, "kind" | "code">])[] =
  [
    ["is out of order", 502, undefined, { kind: "unreachable", code: "HTTP_502" }],
    ["is overloaded", 429, undefined, { kind: "unreachable", code: "HTTP_429" }],
    ["is another one", 404, undefined, { kind: "refused", code: "HTTP_404" }],
    ["answers with a page", 200, undefined, { kind: "refused", code: "OAUTH_RESPONSE_IS_NOT_JSON" }],
    [
      "names another issuer",
      200,
      { issuer: "https://login.evil.example" },
      { kind: "refused", code: "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED" },
    ],
    ["has nowhere to go", 200, { authorization_endpoint: undefined }, { kind: "refused", code: "OAUTH_MISSING_SERVER_METADATA" }],
    [
      "leads into a script",
      200,
      { authorization_endpoint: "javascript:alert(1)" },
      { kind: "refused", code: "OAUTH_REQUEST_PROTOCOL_FORBIDDEN" },
    ],
    ["redeems no code", 200, { token_endpoint: undefined }, { kind: "refused", code: "NO_TOKEN_ENDPOINT" }],
  ];
test.each(wrong)(
  "a login service that %s is named so, and asked again by the next who signs in",
  async (_what, status, claims, failure) => {
    let isMended = false;
    const { client, issuer } = await clientOf((_request, response) => {
      const right = {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/keys`,
      };
      if (isMended || claims !== undefined)
        return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ...right, ...(!isMended && claims) }));
      return response.writeHead(status, { "content-type": "text/html" }).end("<b>x");
    });
    await expect(client.begin()).rejects.toMatchObject({ name: "OidcFailure", ...failure });
    isMended = true;
    expect((await client.begin()).address("state")).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/authorize\?/);
  },
);
