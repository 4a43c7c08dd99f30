import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Secret } from "@mailfleet/core";
import { fakeClock, recordingLog } from "@mailfleet/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openToken, sealToken, type TokenRecord } from "./seal-token.ts";
import { createTokenKeys, type TokenKeys } from "./token-keys.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "mailfleet-keys-"));
});
afterAll(() => rm(dir, { recursive: true }));

const [old, fresh] = ["0a".repeat(32), Buffer.alloc(32, 7).toString("base64")] as const;
const identity = "a".repeat(64);
const record: TokenRecord = { token: new Secret("t"), obtainedAt: 0, expiresAt: 1, renewals: 0 };

async function put(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

test("keys are changed in three steps while tokens are sealed and opened, and a broken file changes nothing", async () => {
  const file = path.join(dir, "keys");
  await put(file, `${old}\n`);
  const clock = fakeClock();
  const log = recordingLog();
  const look = async (some: TokenKeys): Promise<void> => {
    const done = some.look();
    await Promise.race([done, clock.untilSleeping()]);
    await clock.advance(1_000);
    await done;
  };
  const [a, b] = [old, old].map((key) => createTokenKeys({ keys: [new Secret(key)], file, clock, log })) as [TokenKeys, TokenKeys];
  const opens = (by: TokenKeys, sealed: string): string => openToken(by.ring(), identity, sealed).kind;
  const first = sealToken(a.ring(), identity, record);

  // One process reads the new file before the other: each opens what the other seals, at every step.
  for (const text of [`${old}\n${fresh}\n`, `${fresh}\n${old}\n`]) {
    await put(file, text);
    await look(a);
    expect(opens(b, sealToken(a.ring(), identity, record))).toBe("opened");
    await look(b);
    expect(opens(a, sealToken(b.ring(), identity, record))).toBe("opened");
    expect(opens(a, first)).toBe("opened");
  }
  expect(sealToken(a.ring(), identity, record).split(".")[1]).not.toBe(first.split(".")[1]);
  await put(file, "half a ke");
  await look(a);
  expect(opens(a, sealToken(b.ring(), identity, record))).toBe("opened");
  expect(log.messages("warn")).toEqual(["the file of token keys holds no keys, the last good ones stay in use"]);
  await put(file, `${fresh}\n`);
  await look(a);
  expect(opens(a, first)).toBe("unknown-key");
  expect(JSON.stringify(log.records)).not.toContain(fresh.slice(0, 10));
});
