import { randomBytes } from "node:crypto";
import { Secret } from "@mailfleet/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createKeyRing, openToken, sealToken, type TokenRecord } from "./seal-token.ts";

const first = randomBytes(32);
const second = randomBytes(32);
const ring = createKeyRing([first]);
const identity = "a".repeat(64);
const record: TokenRecord = { token: new Secret("eyJ0.token.value"), obtainedAt: 1_000, expiresAt: 3_600_000, refreshOn: 5, renewals: 2 };

describe("sealed tokens", () => {
  test("open to what was sealed", () => {
    const result = openToken(ring, identity, sealToken(ring, identity, record));
    expect(result.kind === "opened" && { ...result.record, token: result.record.token.reveal() }).toEqual({
      ...record,
      token: "eyJ0.token.value",
    });
  });

  test("show nothing of a token", () => {
    const sealed = sealToken(ring, identity, record);
    // Three letters are in one of a thousand sealed texts by chance.
    const told = "token.value";
    for (const encoding of ["utf8", "base64url", "hex"] as const) expect(sealed).not.toContain(Buffer.from(told).toString(encoding));
    expect(Buffer.from(sealed.split(".")[2] ?? "", "base64url").toString("latin1")).not.toContain(told);
  });

  test("have a nonce of their own, 10,000 times", () => {
    const nonces = new Set<string>();
    for (let n = 0; n < 10_000; n++) {
      const body = Buffer.from(sealToken(ring, identity, record).split(".")[2] ?? "", "base64url");
      nonces.add(body.subarray(0, 12).toString("hex"));
    }
    expect(nonces.size).toBe(10_000);
  });

  test("do not open after any single bit of the body was flipped", () => {
    const [format, id, body = ""] = sealToken(ring, identity, record).split(".");
    const bytes = Buffer.from(body, "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(openToken(ring, identity, `${format}.${id}.${flipped.toString("base64url")}`).kind).toBe("broken");
    }
  });

  test("do not open under another identity, as when two tenants' values are swapped", () => {
    expect(openToken(ring, "b".repeat(64), sealToken(ring, identity, record)).kind).toBe("broken");
  });

  test("do not open under another key that claims the same id", () => {
    const sealed = sealToken(ring, identity, record);
    const other = createKeyRing([second]);
    const renamed = sealed.replace(ring.sealing.id, other.sealing.id);
    expect(openToken(other, identity, renamed).kind).toBe("broken");
  });

  test("name a key that is not in the ring", () => {
    expect(openToken(createKeyRing([second]), identity, sealToken(ring, identity, record)).kind).toBe("unknown-key");
  });

  test("open through a whole rotation of keys", () => {
    const old = sealToken(ring, identity, record);
    const both = createKeyRing([second, first]);
    expect(openToken(both, identity, old).kind).toBe("opened");
    const renewed = sealToken(both, identity, record);
    expect(openToken(createKeyRing([first, second]), identity, renewed).kind).toBe("opened");
    expect(openToken(ring, identity, renewed).kind).toBe("unknown-key");
  });

  test("have one spelling only", () => {
    const sealed = sealToken(ring, identity, record);
    for (const other of [`${sealed}=`, ` ${sealed}`, `${sealed}\n`, sealed.replace("mf1", "MF1")]) {
      expect(openToken(ring, identity, other).kind).toBe("broken");
    }
  });

  test("are broken, whatever else the text is", () => {
    fc.assert(fc.property(fc.string(), (text) => openToken(ring, identity, text).kind === "broken"));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = `mf1.${ring.sealing.id}.${Buffer.from(bytes).toString("base64url")}`;
        return openToken(ring, identity, text).kind === "broken";
      }),
    );
  });
});

describe("a key ring", () => {
  test.each([[[]], [[randomBytes(31)]], [[randomBytes(32), randomBytes(16)]]])("refuses weak or missing keys", (keys) => {
    expect(() => createKeyRing(keys)).toThrow(RangeError);
  });

  test("does not show its keys", () => {
    expect(JSON.stringify([ring.sealing, [...ring.opening]])).not.toContain(first.toString("base64"));
  });
});
