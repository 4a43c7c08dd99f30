import fc from "fast-check";
import { expect, test } from "vitest";
import type { Cause } from "../cause.ts";
import { failureCodes } from "../failure-code.ts";
import { describeCause } from "./causes.ts";
import { groupCauses, type StoppedMailbox } from "./group-causes.ts";

const now = Date.UTC(2026, 10, 23, 13, 3, 2);
const hour = 3_600_000;

function stopped(tenant: string, address: string, given: Partial<Cause> = {}): StoppedMailbox {
  const cause: Cause = {
    code: "SERVER_THROTTLED",
    scope: "mailbox",
    text: "",
    since: now - 60_000,
    tries: 1,
    nextAt: now + 60_000,
    state: "waiting",
    ...given,
  };
  return { tenant, address, cause };
}

const expired: Partial<Cause> = { code: "ENTRA_CREDENTIAL_EXPIRED", scope: "tenant", state: "parked" };

test("2,000 mailboxes behind one expired secret are one line that needs you", () => {
  const members = Array.from({ length: 2_000 }, (_, index) =>
    stopped("fabrikam", `m${index}@fabrikam.example`, { ...expired, since: now - index }),
  );
  const groups = groupCauses([...members, stopped("northwind", "a@n.example")], now);
  expect(groups.map(({ code, tenant, owner, mailboxCount, since }) => ({ code, tenant, owner, mailboxCount, since }))).toEqual([
    { code: "ENTRA_CREDENTIAL_EXPIRED", tenant: "fabrikam", owner: "you", mailboxCount: 2_000, since: now - 1_999 },
    { code: "SERVER_THROTTLED", tenant: "northwind", owner: "self", mailboxCount: 1, since: now - 60_000 },
  ]);
});

test("the id of a cause is short, and stays while other causes come and go", () => {
  const [alone] = groupCauses([stopped("fabrikam", "a@f.example", expired)], now);
  const later = groupCauses([stopped("contoso", "b@c.example"), stopped("fabrikam", "z@f.example", { ...expired, tries: 9 })], now + hour);
  expect(alone?.id).toMatch(/^[0-9a-f]{4}$/);
  expect(later.find((group) => group.tenant === "fabrikam")?.id).toBe(alone?.id);
});

test("what waits over six hours needs you, though it may end by itself", () => {
  expect(groupCauses([stopped("a", "a@a.example", { since: now - 6 * hour })], now)[0]?.owner).toBe("self");
  expect(groupCauses([stopped("a", "a@a.example", { since: now - 6 * hour - 1 })], now)[0]?.owner).toBe("you");
});

test("one outage that hits three tenants is one cause, two tenants are two", () => {
  const down = (tenant: string) => stopped(tenant, `x@${tenant}.example`, { code: "SERVER_UNAVAILABLE", scope: "session" });
  expect(groupCauses(["a", "b"].map(down), now)).toHaveLength(2);
  const [common, ...rest] = groupCauses(["a", "b", "c"].map(down), now);
  expect(rest).toEqual([]);
  expect(common).toMatchObject({ tenantCount: 3, mailboxCount: 3 });
  expect(describeCause(common as NonNullable<typeof common>, { now, zone: "utc" }).line).toBe(
    "3 mailboxes of 3 tenants: the server says it is not available; goes on by itself",
  );
});

test("an incident is one cause, however few tenants it was recognised by, and ends by itself", () => {
  const incident: Partial<Cause> = { code: "SERVICE_INCIDENT", scope: "process" };
  const groups = groupCauses([stopped("contoso", "a@contoso.example", incident), stopped("fabrikam", "b@fabrikam.example", incident)], now);
  expect(groups).toMatchObject([{ code: "SERVICE_INCIDENT", tenantCount: 2, mailboxCount: 2, owner: "self" }]);
});

test("each stopped mailbox is in exactly one group, and no two groups share an id", () => {
  const mailbox = fc.record({
    tenant: fc.constantFrom("a", "b", "c", "d", "e"),
    code: fc.constantFrom(...failureCodes),
    parked: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(mailbox, { maxLength: 200 }), (given) => {
      const groups = groupCauses(
        given.map(({ tenant, code, parked }, index) =>
          stopped(tenant, `${index}@x.example`, { code, state: parked ? "parked" : "waiting" }),
        ),
        now,
      );
      expect(groups.flatMap((group) => group.mailboxes)).toHaveLength(given.length);
      for (const group of groups) expect(group.parkedCount + group.waitingCount).toBe(group.mailboxCount);
      expect(new Set(groups.map((group) => group.id)).size).toBe(groups.length);
    }),
  );
});
