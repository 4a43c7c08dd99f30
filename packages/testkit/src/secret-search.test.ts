import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { findSecrets, searchFolder, secretMark } from "./secret-search.ts";

const secret = `Qx7${secretMark}k2JhE0vN`;
const token = `${Buffer.from('{"typ":"JWT","alg":"RS256"}').toString("base64url")}.${Buffer.from('{"aud":"https://outlook"}').toString("base64url")}.c2ln`;

afterEach(() => vi.unstubAllEnvs());

describe("the search for secrets", () => {
  it.each<readonly [string, string]>([
    ["plain", secret],
    ["in a form", new URLSearchParams({ client_secret: secret }).toString()],
    ["in hex", Buffer.from(secret).toString("hex")],
    ...[0, 1, 2].map((n) => [`in base64, ${n} letters in`, Buffer.from(`${"x".repeat(n)}${secret}`).toString("base64")] as const),
    ["a token", `{"t":"${token}"}`],
    ["a header", `authorization: Bearer ${token}`],
    ...[0, 1, 2].map(
      (n) =>
        [
          `a SASL answer for a name ${n} letters longer`,
          Buffer.from(`user=${"a".repeat(n)}@b.c\u0001auth=Bearer ${token}\u0001\u0001`).toString("base64"),
        ] as const,
    ),
  ])("finds one that is %s", (_, text) => {
    expect(findSecrets(Buffer.from(`before ${text} after`))).not.toEqual([]);
  });

  it("finds nothing in what only looks like one", () => {
    expect(findSecrets(Buffer.from("the sandbox, Bearer of eyJ, AUTHENTICATE XOAUTH2 [secret]"))).toEqual([]);
  });

  it("finds one that lies across two pieces of a large file, and names the file but not the secret", async () => {
    // What is planted here is no finding of the whole suite's.
    vi.stubEnv("MAILFLEET_SECRET_SEARCHES", undefined);
    const dir = await mkdtemp(join(tmpdir(), "mailfleet-search-"));
    try {
      await writeFile(join(dir, "large"), `${"x".repeat(4 * 1024 * 1024 - 5)}${secret}${"x".repeat(9_000_000)}`);
      await writeFile(join(dir, "fine"), "nothing here");
      await expect(searchFolder("here", dir)).rejects.toThrow(/here holds a client secret \(large\)/);
      await expect(searchFolder("here", dir)).rejects.not.toThrow(/k2JhE0vN/);
      await searchFolder("here", dir, (name) => name === "large");
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
