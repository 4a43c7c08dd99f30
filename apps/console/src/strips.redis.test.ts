import { mailboxId } from "@mailfleet/core";
import { type PageAnswer, stateWords, stripHours, unpackHours } from "@mailfleet/core/console";
import { expect, test } from "vitest";
import { box, startTestConsole, type TestConsole } from "./console.fixture.ts";

const a = box("contoso", "a");

async function lastCell(it: TestConsole): Promise<string | undefined> {
  const { page } = (await (await it.get(`/api/page?path=/mailboxes/${mailboxId(a)}`)).json()) as PageAnswer;
  if (page.name !== "mailbox") throw new Error(page.name);
  expect(page.data.strip.hours).toHaveLength(stripHours);
  const last = page.data.strip.hours.at(-1) ?? null;
  return last === null ? undefined : stateWords[last];
}

test("a mailbox's page has the worst state of this hour at once, and a console that ends leaves it to the next one", async () => {
  const it = await startTestConsole({ mailboxes: [a] });
  await expect.poll(() => lastCell(it), { timeout: 15_000 }).toBe("new");
  await it.put(a, { parkedBy: JSON.stringify({ name: "anna", at: 1 }) });
  // States are looked at every ten seconds.
  await expect.poll(() => lastCell(it), { timeout: 25_000 }).toBe("parked by operator");
  const key = it.keys.strip(mailboxId(a));
  expect(await it.redis.exists(key)).toBe(0);
  await it.parts.close();
  expect(unpackHours((await it.redis.get(key)) ?? "")?.states).toEqual([stateWords.indexOf("parked by operator")]);
  expect(await it.redis.pttl(key)).toBeGreaterThan(14 * 86_400_000);
  await it.end();
}, 60_000);
