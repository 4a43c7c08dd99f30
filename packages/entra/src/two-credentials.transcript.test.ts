import { Secret } from "@mailfleet/core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { EntraCredential } from "./entra-tenant.ts";
import { type Answer, grant, refuse } from "./login-service.fixture.ts";
import { failureOf, openTokenFleet, type TokenFleet, until, valueOf } from "./token-fleet.fixture.ts";

const minute = 60_000;
const dayMs = 86_400_000;
let fleet: TokenFleet;

beforeAll(async () => {
  fleet = await openTokenFleet();
});
beforeEach(() => fleet.reset());
afterEach(() => fleet.closeSources());
afterAll(() => fleet.service.stop());

const secret = (value: string, expiresAt?: number): EntraCredential => ({
  kind: "secret",
  secret: new Secret(value),
  ...(expiresAt !== undefined && { expiresAt }),
});

/** Takes the secrets named, refuses the others; notes what was sent. */
function taking(good: readonly string[], sent: string[] = [], number = 7000222): Answer {
  return (response, form, request) => {
    const value = form.get("client_secret") ?? "";
    sent.push(value);
    (good.includes(value) ? grant(fleet.contoso()) : refuse(401, "invalid_client", number))(response, form, request);
  };
}

function configure(current: EntraCredential, next?: EntraCredential): void {
  fleet.tenants.set("contoso", fleet.contoso({ credential: current, ...(next && { nextCredential: next }) }));
}

describe("with two credentials", () => {
  test("the first one is used as long as it works", async () => {
    const sent: string[] = [];
    fleet.service.answer = taking(["first-one", "second-one"], sent);
    configure(secret("first-one"), secret("second-one"));
    await fleet.start().getToken("contoso");
    expect(sent).toEqual(["first-one"]);
  });

  test.each([7000215, 7000222, 700027])("the next one is used in the same call when the first is refused with AADSTS%i", async (number) => {
    const sent: string[] = [];
    fleet.service.answer = taking(["second-one"], sent, number);
    configure(secret("first-one"), secret("second-one"));
    expect(valueOf(await fleet.start().getToken("contoso"))).toMatch(/^eyJ/);
    expect(sent).toEqual(["first-one", "second-one"]);
    // What the fleet knows of the first one spares the next renewal the detour.
    sent.length = 0;
    fleet.skippedMs += 30_000;
    const rejected = await fleet.start().getToken("contoso");
    await fleet.start().getToken("contoso", { rejected });
    expect(sent).toEqual(["second-one"]);
  });

  test("the next one goes first when the first is about to end, and the other way round when that fails", async () => {
    const sent: string[] = [];
    fleet.service.answer = taking(["first-one"], sent);
    configure(secret("first-one", fleet.clock.now() + dayMs), secret("second-one"));
    await fleet.start().getToken("contoso");
    expect(sent).toEqual(["second-one", "first-one"]);
  });

  test("a failure that is not the credential's own is not asked about twice", async () => {
    const sent: string[] = [];
    fleet.service.answer = (response, form, request) => {
      sent.push(form.get("client_secret") ?? "");
      refuse(400, "unauthorized_client", 700016)(response, form, request);
    };
    configure(secret("first-one"), secret("second-one"));
    expect((await failureOf(fleet.start().getToken("contoso"))).failure.code).toBe("ENTRA_APP_UNKNOWN");
    await failureOf(fleet.start().getToken("contoso"));
    expect(sent).toEqual(["first-one"]);
  });

  test("that are both refused, the first one's error is told and the other named, once for the fleet", async () => {
    const sent: string[] = [];
    fleet.service.answer = taking([], sent);
    configure(secret("first-one"), secret("second-one"));
    const error = await failureOf(fleet.start().getToken("contoso"));
    expect(error.failure.code).toBe("ENTRA_CREDENTIAL_EXPIRED");
    expect(error.message).toContain("The next credential is refused as well (AADSTS7000222).");
    await failureOf(fleet.start().getToken("contoso"));
    expect(sent).toHaveLength(2);
  });
});

describe("a credential that changes", () => {
  test("leaves the token that the old one got in use, in all processes", async () => {
    const sources = [fleet.start(), fleet.start()] as const;
    const old = valueOf(await sources[0].getToken("contoso"));
    configure(secret("second-one"));
    expect(
      await fleet.requestsDuring(async () => {
        for (const source of [...sources, fleet.start()]) expect(valueOf(await source.getToken("contoso"))).toBe(old);
      }),
    ).toBe(0);
  });

  test("is used for the next renewal, and no caller that waits is sent away", async () => {
    const sent: string[] = [];
    let release = (): void => undefined;
    fleet.service.answer = (response, form, request) => {
      release = () => taking(["first-one", "second-one"], sent)(response, form, request);
    };
    configure(secret("first-one"));
    const source = fleet.start();
    const waiting = source.getToken("contoso");
    await until(() => fleet.service.requests.length > 0 && String(release).includes("taking"));
    configure(secret("second-one"));
    const second = source.getToken("contoso");
    release();
    const rejected = await waiting;
    expect(valueOf(await second)).toBe(valueOf(rejected));
    fleet.service.answer = taking(["second-one"], sent);
    await source.getToken("contoso", { rejected });
    expect(sent).toEqual(["first-one", "second-one"]);
  });
});

describe("a wall clock that steps", () => {
  test.each([
    ["back by an hour", -60 * minute],
    ["ahead by an hour", 60 * minute],
  ])("%s neither ends a token nor prolongs it", async (_, step) => {
    const source = fleet.start();
    const token = await source.getToken("contoso");
    fleet.wallStepMs += step;
    expect(await fleet.requestsDuring(async () => expect(valueOf(await source.getToken("contoso"))).toBe(valueOf(token)))).toBe(0);
    // Told by the clock as it is now, so that a session is replaced in time.
    expect((await source.getToken("contoso")).expiresAt - fleet.clock.now()).toBeGreaterThan(58 * minute);
    // Another process with that clock shares it as well.
    expect(await fleet.requestsDuring(() => fleet.start().getToken("contoso"))).toBe(0);
    fleet.skippedMs += 61 * minute;
    expect(await fleet.requestsDuring(async () => expect(valueOf(await source.getToken("contoso"))).not.toBe(valueOf(token)))).toBe(1);
  });

  test("is noticed by the login service's Date, and told once a minute", async () => {
    fleet.wallStepMs += 10 * minute;
    const source = fleet.start();
    await source.getToken("contoso");
    expect(Math.abs((source.stats().skewMs ?? 0) - 10 * minute)).toBeLessThan(3_000);
    expect(fleet.log.records.filter(({ message }) => message.startsWith("this machine's clock differs"))).toHaveLength(1);
  });
});
