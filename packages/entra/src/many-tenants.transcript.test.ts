import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Secret } from "@mailfleet/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { grant } from "./login-service.fixture.ts";
import { openTokenFleet, type TokenFleet } from "./token-fleet.fixture.ts";

const count = 300;
let fleet: TokenFleet;
beforeAll(async () => {
  fleet = await openTokenFleet();
});
afterAll(async () => {
  await fleet.closeSources();
  await fleet.service.stop();
});

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

test("hundreds of tenants in one process cost a request and a few kB each, and no look-up gets slower", async () => {
  fleet.reset();
  const aliases = Array.from({ length: count }, (_, n) => `tenant-${n}`);
  const idOf = (n: number): string => `11111111-1111-1111-1111-${String(n).padStart(12, "0")}`;
  for (const [n, alias] of aliases.entries()) {
    fleet.tenants.set(
      alias,
      fleet.contoso({ alias, tenantId: idOf(n), credential: { kind: "secret", secret: new Secret(`secret-of-${n}`) } }),
    );
  }
  fleet.service.answer = (response, form, request) =>
    grant(fleet.contoso({ tenantId: request.url?.split("/")[1] ?? "" }))(response, form, request);
  const source = fleet.start();
  const askAll = async (): Promise<void> => {
    for (let n = 0; n < count; n += 50) await Promise.all(aliases.slice(n, n + 50).map((alias) => source.getToken(alias)));
  };
  // What is loaded and compiled once is not a tenant's.
  await source.getToken("contoso").catch(() => undefined);
  gc();
  const before = process.memoryUsage().heapUsed;
  expect(await fleet.requestsDuring(askAll)).toBe(count);
  gc();
  const each = (process.memoryUsage().heapUsed - before) / count;
  // Among it the test's own: the log, the stored tokens, the list of requests. 12 to 17 kB were seen; a client kept for each token request
  // would be ten times that.
  expect(each).toBeLessThan(40_000);
  const startedMs = performance.now();
  expect(await fleet.requestsDuring(askAll)).toBe(0);
  // Far below a millisecond; what grows with the number of tenants would be seconds.
  expect((performance.now() - startedMs) / count).toBeLessThan(50);
}, 60_000);
