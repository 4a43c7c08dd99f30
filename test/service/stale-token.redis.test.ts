import { describe, expect, test } from "vitest";
import { address, record, sandbox, setUpSyncBench, sync } from "./sync-bench.ts";

setUpSyncBench();

const requests = (): number => sandbox.counters.tokenRequests.get("contoso") ?? 0;

describe("a session that the server ends with its token", () => {
  test("again and again, though the token has time left, gets one new token, and then later and later tries", async () => {
    await sync("fresh");
    const before = requests();
    const fault = sandbox.faults.add({ name: "stale-session", mailbox: address });
    for (let tries = 1; tries <= 4; tries++) {
      await sync("fresh");
      expect((await record())?.cause).toMatchObject({ code: "SESSION_EXPIRED", state: "waiting", tries });
    }
    expect(requests() - before).toBe(1);
    const { cause } = (await record()) ?? {};
    expect((cause?.nextAt ?? 0) - Date.now()).toBeGreaterThan(500);

    sandbox.faults.remove(fault);
    await sync("fresh");
    expect((await record())?.cause).toBeUndefined();
  });

  test("at the token's own end is no failure", async () => {
    const fault = sandbox.faults.add({ name: "token-expiry", mailbox: address, times: 1, params: { at: "between" } });
    const lifetime = sandbox.faults.add({ name: "token-lifetime", params: { seconds: 50 } });
    await sync("fresh");
    // The token that the fault ends is one of 50 s: no more is left of it than clocks may differ.
    expect((await record())?.cause).toBeUndefined();
    sandbox.faults.remove(fault);
    sandbox.faults.remove(lifetime);
  });
});
