import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseErrorAnswer, parseTokenAnswer } from "./token-answer.ts";

const strict = { isLifetimeRequired: true };
const good = { token_type: "Bearer", expires_in: 3599, access_token: "eyJ0.eyJ1.c2ln" };
const read = (changes: object) => parseTokenAnswer(JSON.stringify({ ...good, ...changes }), strict);

describe("a token answer", () => {
  test("is read with numbers as numbers or as text", () => {
    expect(read({})).toEqual({ ok: true, answer: { accessToken: "eyJ0.eyJ1.c2ln", lifetimeMs: 3_599_000 } });
    expect(read({ expires_in: "86399", refresh_in: "43199", token_type: "bearer" })).toEqual({
      ok: true,
      answer: { accessToken: "eyJ0.eyJ1.c2ln", lifetimeMs: 86_399_000, refreshInMs: 43_199_000 },
    });
  });

  test.each([
    ["a second", 1, 60_000],
    ["ten years", 315_360_000, 28 * 3_600_000],
  ])("of %s lives from a minute to 28 hours", (_, expires_in, lifetimeMs) => {
    expect(read({ expires_in })).toMatchObject({ ok: true, answer: { lifetimeMs } });
  });

  test.each([
    ["negative lifetime", { expires_in: -1 }, "TOKEN_LIFETIME"],
    ["lifetime as 1e99", { expires_in: "1e99" }, "TOKEN_LIFETIME"],
    ["no lifetime", { expires_in: undefined }, "TOKEN_LIFETIME"],
    ["lifetime null", { expires_in: null }, "TOKEN_LIFETIME"],
    ["no token", { access_token: undefined }, "ANSWER_WITHOUT_TOKEN"],
    ["empty token", { access_token: "" }, "ANSWER_WITHOUT_TOKEN"],
    ["token as list", { access_token: ["a"] }, "ANSWER_WITHOUT_TOKEN"],
    ["token with CR", { access_token: "abc\rdef" }, "TOKEN_MALFORMED"],
    ["token with LF", { access_token: "abc\n" }, "TOKEN_MALFORMED"],
    ["token with 0x01", { access_token: "abc\u0001\u0001" }, "TOKEN_MALFORMED"],
    ["token with a space", { access_token: "abc def" }, "TOKEN_MALFORMED"],
    ["token of 16 kB", { access_token: "a".repeat(16 * 1024) }, "TOKEN_TOO_LARGE"],
    ["token of another type", { token_type: "pop" }, "TOKEN_TYPE"],
    ["token of no type", { token_type: undefined }, "TOKEN_TYPE"],
  ])("with %s is refused", (_, changes, code) => {
    expect(read(changes)).toEqual({ ok: false, code });
  });

  test("of a custom service may leave the lifetime out", () => {
    const { expires_in: _, ...rest } = good;
    expect(parseTokenAnswer(JSON.stringify(rest), { isLifetimeRequired: false })).toMatchObject({
      ok: true,
      answer: { lifetimeMs: 300_000 },
    });
  });

  test("is refused or fit for a header, whatever it is", () => {
    fc.assert(
      fc.property(fc.record({ access_token: fc.anything(), token_type: fc.constant("Bearer"), expires_in: fc.anything() }), (body) => {
        const result = parseTokenAnswer(JSON.stringify(body), strict);
        return !result.ok || (/^[\x21-\x7e]+$/.test(result.answer.accessToken) && result.answer.lifetimeMs >= 60_000);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => !parseTokenAnswer(text, strict).ok));
  });
});

describe("a refusal", () => {
  test("gives word, number and text", () => {
    const body = { error: "invalid_client", error_codes: [7000222], error_description: "AADSTS7000222: expired" };
    expect(parseErrorAnswer(JSON.stringify(body))).toEqual({
      error: "invalid_client",
      number: 7000222,
      description: "AADSTS7000222: expired",
    });
  });

  test("gives the number from its text where no list came along", () => {
    expect(parseErrorAnswer('{"error_description":"AADSTS90002: Tenant not found."}')).toMatchObject({ number: 90002 });
  });

  test.each(["", "<html>502</html>", "[]", "null", '{"error":{"code":1},"error_codes":"x","error_description":5}'])(
    "that is none gives nothing: %s",
    (text) => {
      expect(parseErrorAnswer(text)).toEqual({});
    },
  );
});
