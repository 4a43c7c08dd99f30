import { expect, test } from "vitest";
import { explainable, explainCode } from "@mailfleet/core";
import { classifyTokenError } from "@mailfleet/entra";

test("the doctor explains every number of Entra's under the code that the token layer gives it", () => {
  const numbers = explainable().flatMap((name) => /^AADSTS(\d+)$/.exec(name)?.[1] ?? []);
  expect(numbers.length).toBeGreaterThan(25);
  for (const number of numbers) {
    const code = classifyTokenError({ layer: "entra", httpStatus: 400, number: Number(number) });
    expect(explainCode(number)?.code, `AADSTS${number}`).toBe(code);
  }
});

test("everything that can be explained is, whole", () => {
  for (const name of explainable()) {
    const found = explainCode(name.toLowerCase());
    expect(found?.name).toBe(name);
    for (const text of [found?.meaning, found?.mailfleetDoes, found?.youCan]) expect(text).toMatch(/^(?:[A-Z]|mailfleet ).*[.?]$/);
  }
  expect(explainCode("NO_SUCH_CODE")).toBeUndefined();
  expect(explainCode("AADSTS1234567890")).toBeUndefined();
});
