import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createScrubber } from "./scrub.ts";
import { stripControls } from "./strip-controls.ts";

const canary = "hQ8~canary.Secret-7Zx_42";

describe("a live secret is masked", () => {
  const url = encodeURIComponent(canary);
  test.each([
    ["plain", canary],
    ["URL-encoded", url],
    ["URL-encoded, every character", Buffer.from(canary).toString("hex").replace(/../g, "%$&")],
    ["URL-encoded twice", encodeURIComponent(Buffer.from(canary).toString("hex").replace(/../g, "%$&"))],
    ["hex", Buffer.from(canary).toString("hex")],
    ["upper-case hex", Buffer.from(canary).toString("hex").toUpperCase()],
    ["a printed Buffer", Buffer.from(canary).toString("hex").replace(/../g, "$& ")],
    ["split by control characters", canary.split("").join("\u0000\u009b")],
  ])("%s", (_, form) => {
    expect(createScrubber([canary])(`NO refused ${form} sorry`)).toMatch(/^NO refused \[secret\] ?sorry$|^NO refused \[secret\]  ?sorry$/);
  });

  test.each([0, 1, 2])("base64 behind %i other bytes, in both alphabets", (offset) => {
    const scrub = createScrubber([canary]);
    const bytes = Buffer.concat([Buffer.from("xyz".slice(0, offset)), Buffer.from(canary), Buffer.from("tail")]);
    for (const encoding of ["base64", "base64url"] as const) {
      const out = scrub(bytes.toString(encoding));
      expect(out).toContain("[secret]");
      expect(Buffer.from(out.replace("[secret]", ""), "base64").toString("latin1")).not.toContain("canary");
    }
  });

  test("a secret that contains another one goes whole", () => {
    expect(createScrubber(["abcd", "abcdefgh"])("x abcdefgh y abcd z")).toBe("x [secret] y [secret] z");
  });
});

test("a short text costs nothing however long the secret is: sessions end by the thousand in an outage", () => {
  const token = `eyJ0eXAi.${"canary0123".repeat(150)}.sig`;
  const from = performance.now();
  // Each with a token of its own: the engine remembers patterns by their text.
  for (let session = 0; session < 40; session++)
    expect(createScrubber([`${token}${session}`])("AUTHENTICATE failed.")).toBe("AUTHENTICATE failed.");
  expect(performance.now() - from).toBeLessThan(2_000);
  expect(createScrubber([token])(`opaque ${token.slice(9)} echoed`)).not.toContain("canary0123canary");
});

describe("what looks like a credential is masked without being known", () => {
  const scrub = createScrubber([]);
  test.each([
    ["token eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln was refused", "token [secret] was refused"],
    ["user=a@b.example\u0001auth=Bearer abc.def\u0001\u0001", "user=a@b.exampleauth=Bearer [secret]"],
    ["client_id=1&client_secret=a%7Eb&scope=x", "client_id=1&client_secret=[secret]&scope=x"],
    ['{"access_token":"opaque","expires_in":3599}', '{"access_token":"[secret]","expires_in":3599}'],
    ["redis://default:pw@redis.example:6379/0", "redis://[secret]@redis.example:6379/0"],
    ["A1 AUTHENTICATE XOAUTH2 dXNlcj1h", "A1 AUTHENTICATE XOAUTH2 [secret]"],
    [`blob ${"dXNl".repeat(20)}==`, "blob [secret]"],
    [`Thumbprint of key used by client: '${"0AF9".repeat(16)}'`, `Thumbprint of key used by client: '${"0AF9".repeat(16)}'`],
    [`sha256 ${"0af9".repeat(16)}`, `sha256 ${"0af9".repeat(16)}`],
    ["NO AUTHENTICATE failed.", "NO AUTHENTICATE failed."],
  ])("%s", (text, expected) => {
    expect(scrub(text)).toBe(expected);
  });
});

describe("texts are fit for a terminal and a log line", () => {
  test("no control, direction or zero-width character stays, and line breaks become spaces", () => {
    expect(stripControls("a\u001b]52;c;x\u0007b\u009b31m\u202ec\u200b\r\nd\te\u2028f\ud800")).toBe("a]52;c;xb31mc d e f\ufffd");
  });

  test("at most 300 characters stay, and no half one", () => {
    const out = createScrubber([])("😀 ".repeat(400));
    expect(out.length).toBeLessThanOrEqual(300);
    expect(out.endsWith("…")).toBe(true);
    expect(out.isWellFormed()).toBe(true);
  });

  test("a huge text that is cut in the middle of a secret shows no half of it", () => {
    const text = `${"a ".repeat(32_760)}${canary}`;
    expect(createScrubber([canary], { maxLength: 100_000 })(text)).not.toContain(canary.slice(0, 8));
  });
});

test("no encoding of any secret survives, wherever it stands", () => {
  const secret = fc
    .string({ unit: fc.constantFrom(...Array.from("ABCXYZabcxyz0189~._-+/=é ")), minLength: 8, maxLength: 48 })
    .filter((text) => text.trim().length >= 8);
  fc.assert(
    fc.property(secret, fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (value, before, after) => {
      const out = createScrubber([value], { maxLength: 100_000 })(
        [
          `${before}${value}${after}`,
          `${before}${encodeURIComponent(value)}${after}`,
          new URLSearchParams({ x: value }).toString(),
          Buffer.from(`${before}${value}${after}`).toString("hex"),
          ...["", "1", "12"].map((lead) => Buffer.from(`${lead}${value}${after}`).toString("base64")),
        ].join(" | "),
      );
      const bytes = Buffer.from(value);
      expect(out).not.toContain(stripControls(value));
      expect(out).not.toContain(encodeURIComponent(value));
      expect(out).not.toContain(bytes.toString("hex"));
      for (const word of out.split(" | ")) {
        expect(Buffer.from(word, "base64").includes(bytes)).toBe(false);
        expect(Buffer.from(word, "hex").includes(bytes)).toBe(false);
      }
    }),
    { numRuns: 300 },
  );
});
