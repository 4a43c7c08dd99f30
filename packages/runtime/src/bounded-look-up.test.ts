import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { boundedLookUp, type SystemLookUp } from "./bounded-look-up.ts";

const limits = { limitMs: 5_000, atOnce: 2, memoryMs: 1_000 };
const two: readonly LookupAddress[] = [
  { address: "2001:db8::1", family: 6 },
  { address: "192.0.2.1", family: 4 },
];

/** A system that answers when it is told to. */
function slowSystem() {
  const open = new Map<string, Parameters<SystemLookUp>[1]>();
  const asked: string[] = [];
  const system: SystemLookUp = (hostname, callback) => {
    asked.push(hostname);
    open.set(hostname, callback);
  };
  return { system, asked, answer: (hostname: string, addresses = two) => open.get(hostname)?.(null, addresses) };
}

function ask(lookUp: LookupFunction, hostname: string, options = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    lookUp(hostname, options, (error, address, family) =>
      error ? reject(error) : resolve(family === undefined ? address : { address, family }),
    );
  });
}

describe("a bounded look-up", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("asks the system once for all who want the same name, and again once the answer is old", async () => {
    const { system, asked, answer } = slowSystem();
    const lookUp = boundedLookUp(limits, system);
    const all = [1, 2, 3].map(() => ask(lookUp, "mail.example", { all: true }));
    answer("mail.example");
    expect(await Promise.all(all)).toEqual([two, two, two]);
    void ask(lookUp, "mail.example");
    expect(asked).toEqual(["mail.example"]);
    await vi.advanceTimersByTimeAsync(limits.memoryMs);
    void ask(lookUp, "mail.example").catch(() => undefined);
    expect(asked).toHaveLength(2);
  });

  it("gives up after its limit though the system never answers, and the same name holds one thread only", async () => {
    const { system, asked } = slowSystem();
    const lookUp = boundedLookUp(limits, system);
    const failed = Array.from({ length: 500 }, () => ask(lookUp, "dead.example").catch((error: unknown) => error));
    await vi.advanceTimersByTimeAsync(limits.limitMs);
    expect(await Promise.all(failed)).toEqual(
      failed.map(() => expect.objectContaining({ code: "EAI_AGAIN", syscall: "getaddrinfo" }) as unknown),
    );
    expect(asked).toEqual(["dead.example"]);
  });

  it("never asks about more names at once than it may, and goes on when one is answered", async () => {
    const { system, asked, answer } = slowSystem();
    const lookUp = boundedLookUp(limits, system);
    for (const name of ["a.example", "b.example", "c.example"]) ask(lookUp, name).catch(() => undefined);
    expect(asked).toEqual(["a.example", "b.example"]);
    answer("a.example");
    expect(asked).toEqual(["a.example", "b.example", "c.example"]);
  });

  it("gives one address or all, of the wanted family", async () => {
    const { system, answer } = slowSystem();
    const lookUp = boundedLookUp(limits, system);
    const asked = [
      ask(lookUp, "mail.example", { family: 4 }),
      ask(lookUp, "mail.example", { family: 6, all: true }),
      ask(lookUp, "mail.example"),
    ];
    answer("mail.example");
    expect(await Promise.all(asked)).toEqual([{ address: "192.0.2.1", family: 4 }, [two[0]], two[0]]);
  });

  it("passes the system's own refusal on, and does not remember it", async () => {
    let count = 0;
    const system: SystemLookUp = (_, callback) => {
      count++;
      callback(Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" }), []);
    };
    const lookUp = boundedLookUp(limits, system);
    await expect(ask(lookUp, "no.example")).rejects.toMatchObject({ code: "ENOTFOUND" });
    await expect(ask(lookUp, "no.example")).rejects.toMatchObject({ code: "ENOTFOUND" });
    expect(count).toBe(2);
  });
});
