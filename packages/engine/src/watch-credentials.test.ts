import { type HoldReader, syncError, type TenantHold } from "@mailfleet/core";
import { fakeClock, silentLog } from "@mailfleet/testkit";
import { expect, test } from "vitest";
import { watchCredentials } from "./watch-credentials.ts";

const hold = (state: "parked" | "waiting"): TenantHold => ({
  id: "1",
  cause: { code: "ENTRA_CREDENTIAL_EXPIRED", scope: "tenant", text: "", since: 1, tries: 1, nextAt: 2, state },
});

test("a new credential of a parked tenant is offered within two seconds, whatever Redis and other tenants do", async () => {
  const clock = fakeClock();
  const offered: string[] = [];
  let isAway = false;
  const holds: HoldReader = {
    held: () =>
      isAway
        ? Promise.reject(syncError("REDIS_UNAVAILABLE", "away", { layer: "redis" }))
        : Promise.resolve(
            new Map([
              ["contoso", hold("parked")],
              ["fabrikam", hold("waiting")],
              ["northwind", hold("parked")],
            ]),
          ),
    tryCredential: async (tenant, credential) => offered.push(`${tenant} ${credential}`) > 0,
  };
  const credentials = new Map([
    ["contoso", "one"],
    ["fabrikam", "one"],
  ]);
  const leaving = new AbortController();
  const watching = watchCredentials(
    { clock, log: silentLog, holds, credentialOf: async (tenant) => credentials.get(tenant) },
    leaving.signal,
  );
  await clock.untilSleeping();
  expect(offered).toEqual(["contoso one"]);
  isAway = true;
  await clock.advance(2_000);
  await clock.untilSleeping();
  isAway = false;
  credentials.set("contoso", "two");
  await clock.advance(2_000);
  await clock.untilSleeping();
  expect(offered).toEqual(["contoso one", "contoso two"]);
  leaving.abort();
  await watching;
});
