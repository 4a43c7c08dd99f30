import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LetterGroups, letterCauseId, normaliseError, shortCauseId } from "./letter-cause.ts";

const crm = { kind: "consumer", name: "crm" } as const;

test.each([
  ["HTTP 503 from crm.internal", "HTTP 503 from crm.internal"],
  ["HTTP 503 from https://crm.internal:8443/contacts/4711?key=abc", "HTTP 503 from crm.internal"],
  ["Request failed with status code 404", "Request failed with status code 404"],
  ["TypeError: Cannot read properties of undefined (reading 'email')", "TypeError: Cannot read properties of undefined (reading 'email')"],
  ["no contact for jane.doe@contoso.example (id 48112)", "no contact for (address) (id (n))"],
  ["Duplicate entry 'Jane Doe, the subject' for key 'contacts.email'", "Duplicate entry (text) for key 'contacts.email'"],
  ["job 8f2c0b6e-0d3a-4a57-9a0e-6c1f2e7bd41a timed out after 5,000 ms", "job (id) timed out after (n) ms"],
  ["connect ECONNREFUSED 10.0.0.7:5432", "connect ECONNREFUSED (host)"],
  ["document a81bc3f0e9d2774411 is locked\n  at Object.<anonymous> (/app/x.js:1:1)", "document (id) is locked"],
  ["\u001b[31mboom\u0007", "[(n)mboom"],
  ["", "no error text"],
  ["\n\n", "no error text"],
])("%j is of the kind %j", (text, kind) => {
  expect(normaliseError(text)).toBe(kind);
});

test("errors that differ in what belongs to one message are of one kind", () => {
  const error = (n: number): string => `HTTP 500: contact ${n} of user${n}@contoso.example not saved`;
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (a, b) => {
      expect(normaliseError(error(a))).toBe(normaliseError(error(b)));
    }),
  );
});

test("any text gives a short kind without controls", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
      const kind = normaliseError(text);
      expect(kind.length).toBeLessThanOrEqual(160);
      // oxlint-disable-next-line no-control-regex -- controls are the point
      expect(kind).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e\n]/);
      expect(kind).not.toBe("");
    }),
  );
});

test("a text that was made to be slow is read in no time", () => {
  const startedAt = performance.now();
  for (const text of ["a@".repeat(50_000), "'".repeat(100_000), "http://".repeat(20_000), "1.".repeat(50_000), "a1-".repeat(40_000)])
    normaliseError(text);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

describe("groups", () => {
  test("count letters by owner and kind, the largest first", () => {
    const groups = new LetterGroups();
    for (let n = 0; n < 5; n++) groups.add({ owner: crm, text: "HTTP 503", failedAt: 1_000 + n, tries: 8 });
    groups.add({ owner: { kind: "message" }, text: "HTTP 503" });
    groups.add({ owner: crm, text: "boom", failedAt: 5, tries: 3 });
    groups.add({ owner: crm, text: "boom", failedAt: 4, tries: 8 });
    expect(groups.list()).toMatchObject([
      { letters: 5, text: "HTTP 503", since: 1_000, latest: 1_004, leastTries: 8, mostTries: 8 },
      { letters: 2, text: "boom", since: 4, leastTries: 3, mostTries: 8 },
      { letters: 1, owner: { kind: "message" } },
    ]);
  });

  test("do not grow without bound, and lose no letter", () => {
    const groups = new LetterGroups();
    for (let n = 0; n < 5_000; n++) groups.add({ owner: crm, text: `kind ${n}` });
    const all = groups.list();
    expect(all.length).toBeLessThanOrEqual(1_001);
    expect(all.reduce((sum, { letters }) => sum + letters, 0)).toBe(5_000);
  });
});

test("a cause has the same id every day, and as many digits as its list needs", () => {
  expect(letterCauseId(crm, "HTTP 503")).toBe(letterCauseId({ kind: "consumer", name: "crm" }, "HTTP 503"));
  expect(letterCauseId(crm, "HTTP 503")).not.toBe(letterCauseId({ kind: "consumer" }, "HTTP 503"));
  const all = [{ fullId: "c7f20000" }, { fullId: "c7f21111" }, { fullId: "a10b0000" }];
  expect(all.map(({ fullId }) => shortCauseId(fullId, all))).toEqual(["c7f20", "c7f21", "a10b"]);
});
