import { expect, test } from "vitest";
import { failureCodes, type FailureCode } from "./failure-code.ts";
import { decideRetry, type RetryDecision } from "./retry-policy.ts";
import { taxonomy } from "./taxonomy.ts";

const hour = 3_600_000;
const ask = (code: FailureCode, tries: number, hintMs?: number): RetryDecision =>
  decideRetry({
    code,
    tries,
    since: 0,
    now: 0,
    opened: true,
    random: 0.5,
    ...(hintMs !== undefined && { facts: { layer: "imap", hintMs } }),
  });

test("what is to be parked is parked by its policy in the end, and nothing else is that ends by itself", () => {
  for (const code of failureCodes) {
    const { disposition } = taxonomy[code];
    const last = ask(code, 50);
    if (disposition === "park" || disposition === "fatal") expect(last.state, code).toBe("parked");
    if (disposition === "snooze" || disposition === "continue") expect(last.state, code).toBe("waiting");
  }
});

test("no refusal is judged on its first occurrence", () => {
  for (const code of failureCodes) {
    if (taxonomy[code].disposition === "refresh-token") expect(ask(code, 1).state, code).toBe("waiting");
  }
});

test("a permanent trouble of a tenant's credential is parked at once, but where a new one may not have spread yet", () => {
  for (const code of failureCodes) {
    const { scope, disposition } = taxonomy[code];
    if (scope !== "tenant" || disposition !== "park" || code === "ENTRA_CREDENTIAL_INVALID") continue;
    expect(ask(code, 1).state, code).toBe("parked");
  }
});

test("a hint is kept to its end", () => {
  for (const code of ["SERVER_THROTTLED", "ENTRA_THROTTLED"] as const) expect(ask(code, 1, hour / 2).inMs).toBeGreaterThanOrEqual(hour / 2);
});
