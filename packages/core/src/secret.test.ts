import { inspect } from "node:util";
import { expect, test } from "vitest";
import { Secret } from "./secret.ts";

test("a secret prints as [secret] however it is printed, and gives its value only on request", () => {
  const secret = new Secret("canary");
  const printed = [
    String(secret),
    // oxlint-disable-next-line restrict-template-expressions -- what must not print a secret
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ deep: { secret } }, { showHidden: true, depth: 9 }),
  ];
  for (const one of printed) {
    expect(one).toContain("[secret]");
    expect(one).not.toContain("canary");
  }
  expect(secret.reveal()).toBe("canary");
});
