import { mailboxId } from "@mailfleet/core";
import { type PageAnswer, stateWords, stripHours, unpackHours } from "@mailfleet/core/console";
import { expect, test } from "vitest";
import { box, startTestConsole } from "./console.fixture.ts";

const a = box("contoso", "a");

test("a mailbox's page has this hour at once, and a console that ends leaves it to the next one", async () => {
  const it = await startTestConsole({ mailboxes: [a] });
  const key = it.keys.strip(mailboxId(a));
  const { page } = (await (await it.get(`/api/page?path=/mailboxes/${mailboxId(a)}`)).json()) as PageAnswer;
  if (page.name !== "mailbox") throw new Error(page.name);
  expect([page.data.strip.hours.length, page.data.strip.hours.at(-1)]).toEqual([stripHours, stateWords.indexOf("new")]);
  expect(await it.redis.exists(key)).toBe(0);
  await it.parts.close();
  expect(new Set(unpackHours((await it.redis.get(key)) ?? "")?.states)).toEqual(new Set([stateWords.indexOf("new")]));
  expect(await it.redis.pttl(key)).toBeGreaterThan(14 * 86_400_000);
  await it.end();
});
