import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import {
  addressesOf,
  expectAccessible,
  focusedWords,
  greenOf,
  heading,
  hiddenFocus,
  isListening,
  main,
  sidewaysScroll,
  waitForHeading,
} from "./browser.ts";
import { refused, useConsole } from "./console-visits.ts";
import { failEvents } from "./failing-events.ts";
import { handsAt } from "./keyboard.ts";
import { isCompose } from "./start-fleet.ts";

const { arrive, fleet, get, visit } = useConsole();

/** How often the page spoke since the first call. */
async function countSayings(page: Page): Promise<number> {
  return page.evaluate(() => {
    interface Counted {
      sayings?: number;
    }
    const { document, MutationObserver } = globalThis as unknown as {
      document: { querySelectorAll(selector: string): Iterable<unknown> };
      MutationObserver: new (onChange: () => void) => { observe(node: unknown, options: object): void };
    };
    const counted = globalThis as Counted;
    if (counted.sayings !== undefined) return counted.sayings;
    counted.sayings = 0;
    const observer = new MutationObserver(() => (counted.sayings = (counted.sayings ?? 0) + 1));
    for (const region of document.querySelectorAll("[aria-live=polite], [aria-live=assertive], [role=status], [role=alert], [role=log]"))
      observer.observe(region, { childList: true, characterData: true, subtree: true });
    return 0;
  });
}

describe("a list", () => {
  test("has its whole state in its address, back and forth and elsewhere", async () => {
    const one = fleet().sandbox.tenants.find(({ alias }) => alias === "fabrikam")?.addresses[0] ?? "";
    const start = one.slice(0, one.indexOf("@") + 1);
    const { page, expectQuiet } = await visit("/");
    await isListening(page);
    await page.keyboard.press("g");
    await page.keyboard.press("m");
    await page.waitForURL("**/mailboxes");
    await waitForHeading(page, /^10 mailboxes$/);
    await page.getByLabel("Tenant", { exact: true }).selectOption("fabrikam");
    await waitForHeading(page, "4 mailboxes fit the filter");
    await page.keyboard.press("Escape");
    await page.getByLabel("Address or tenant begins with").fill(start);
    await waitForHeading(page, "1 mailbox fits the filter");
    expect(page.url()).toBe(`${fleet().url}/mailboxes?tenant=fabrikam&q=${start}`);
    const field = page.getByLabel("Address or tenant begins with");
    const shows = async (list: readonly string[], search: string): Promise<void> => {
      await waitForHeading(page, list.length === 1 ? "1 mailbox fits the filter" : `${list.length} mailboxes`);
      expect((await addressesOf(page)).sort()).toEqual([...list].sort());
      expect(await field.inputValue()).toBe(search);
    };
    const all = fleet().sandbox.tenants.flatMap(({ addresses }) => addresses);
    await page.reload();
    await shows([one], start);
    const elsewhere = await visit(page.url());
    await waitForHeading(elsewhere.page, "1 mailbox fits the filter");
    expect(await addressesOf(elsewhere.page)).toEqual([one]);
    await page.goBack();
    await shows(all, "");
    await page.goForward();
    await shows([one], start);
    await field.fill("nobody");
    await page.getByText("No mailbox fits the filter").waitFor();
    await main(page).getByRole("link", { name: "Clear the filter" }).click();
    await shows(all, "");
    expectQuiet();
    elsewhere.expectQuiet();
  });

  test("moves nothing while somebody selects, reads a row or types, and drops neither selection nor text", async () => {
    const { page, expectQuiet } = await visit("/mailboxes?sort=age");
    // States, order and total are there for who hears the page, and live updates are not told one by one.
    const table = page.getByRole("table", { name: "10 mailboxes" });
    await table.getByRole("row", { name: /support@contoso\.example (fresh|syncing) / }).waitFor();
    expect(await table.getByRole("columnheader", { name: "Last check" }).getAttribute("aria-sort")).toBe("ascending");
    await countSayings(page);
    const chosen = page.getByLabel("Select support@contoso.example");
    await chosen.check();
    const before = await addressesOf(page);
    const note = page.getByText(/rows? would move/);
    await note.waitFor({ timeout: 30_000 });
    expect(await addressesOf(page)).toEqual(before);
    expect(await chosen.isChecked()).toBe(true);
    await chosen.uncheck();
    await page.locator("tbody tr").first().focus();
    await note.waitFor();
    expect(await addressesOf(page)).toEqual(before);
    // Once all were checked in their turn they stand as they did at first: then it is pressed again, a second later.
    const applied = async (): Promise<string[]> => {
      await page.keyboard.press(".");
      return addressesOf(page);
    };
    await expect.poll(applied, { interval: 1_000 }).not.toEqual(before);
    expect([...(await addressesOf(page))].sort()).toEqual([...before].sort());
    const field = page.getByLabel("Address or tenant begins with");
    // Its beginning fits as many: what is looked at is the list of all that was typed.
    const loaded = page.waitForResponse((answer) => /[?&]q=contoso(?:&|$)/.test(decodeURIComponent(answer.url())));
    await field.pressSequentially("contoso");
    await loaded;
    await waitForHeading(page, "6 mailboxes fit the filter");
    const found = await addressesOf(page);
    await note.waitFor({ timeout: 30_000 });
    expect(await addressesOf(page)).toEqual(found);
    expect(await countSayings(page)).toBeLessThanOrEqual(1);
    // The next key goes where the last one went.
    await page.keyboard.type(".");
    expect(await field.inputValue()).toBe("contoso.");
    expectQuiet();
  });
});

describe("a page that is out of touch", () => {
  test("loses its green within ten seconds of Redis' stop, and lives again without a reload", async () => {
    const { page } = await visit("/tenants/contoso");
    await page.getByRole("button", { name: "Run doctor" }).waitFor();
    await page.evaluate(() => Object.assign(globalThis, { isSame: true }));
    expect(await greenOf(page)).not.toEqual([]);
    await fleet().redis.pause();
    const another = get("/tenants/contoso");
    const late = visit("/tenants/contoso");
    try {
      await page
        .getByRole("alert")
        .filter({ hasText: /Not live since \d\d:\d\d:\d\d/ })
        .waitFor({ timeout: 60_000 });
      expect(await page.title()).toContain("(not live)");
      expect(await page.getByRole("button", { name: "Run doctor" }).isDisabled()).toBe(true);
      expect(await greenOf(page)).toEqual([]);
      // Who comes now is told, and waits no longer than that.
      const answer = await another;
      expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: "NOT_LIVE" } }]);
      await (await late).page.getByText("It is loaded by itself as soon as it can be made.").waitFor();
      await expectAccessible((await late).page, "the notice");
    } finally {
      await fleet().redis.resume();
    }
    await page.getByRole("alert").waitFor({ state: "hidden", timeout: 60_000 });
    expect(await page.title()).not.toContain("(not live)");
    expect(await page.evaluate(() => (globalThis as unknown as { isSame?: boolean }).isSame)).toBe(true);
    // Whoever was told that there is no page gets it.
    await (await late).page.getByRole("button", { name: "Run doctor" }).waitFor({ timeout: 25_000 });
  });
});

test("what people come for is done by keyboard alone, and what has the focus is seen at every step", async () => {
  const { page, expectQuiet } = await visit("/");
  const hands = handsAt(page);
  const isAt = async (words: string): Promise<void> => {
    await waitForHeading(page, words);
    await isListening(page);
  };
  const copy = async (command: string): Promise<void> => {
    await hands.enter(`Copy: ${command}`);
    await page.locator(":focus").getByText("Copied").waitFor();
  };
  // Nine in the morning, three at night: what is it, try it now, what mends it.
  await isAt("9 of 10 mailboxes are fresh. One cause needs you.");
  await hands.enter("How to mend it");
  await isAt(`${refused} let mailfleet in and then refused every command`);
  await hands.enter("Try now");
  await expect.poll(() => focusedWords(page)).toBe("Cancel");
  await hands.enter("Try now 1");
  await page
    .locator(".toast")
    .filter({ hasText: /tried at once|looks once more/ })
    .waitFor();
  // Onboarding: the lines for the administrator.
  await hands.enter("Run doctor");
  await page.getByRole("region", { name: "Doctor" }).getByText("In a terminal this ends with exit code 1").waitFor({ timeout: 60_000 });
  await copy("these commands");
  await copy(`npx mailfleet doctor --mailbox ${refused}`);
  // A proof for the auditor, and rotation.
  await hands.press("Control+k");
  await page.getByRole("option", { name: /Fleet/ }).waitFor();
  await page.keyboard.type("fabrikam");
  await page.getByRole("option", { name: "fabrikam tenant", selected: true }).waitFor();
  await hands.press("Enter");
  await isAt("fabrikam: all 4 mailboxes are fresh");
  await hands.enter("Prove");
  const proof = page.getByRole("region", { name: "Proof" });
  await proof.getByText("In a terminal this ends with exit code 0").waitFor({ timeout: 60_000 });
  await proof
    .getByText(/@fabrikam\.example-\w+\.json/)
    .first()
    .waitFor();
  await copy("npx mailfleet onboard --tenant fabrikam --rotate");
  // Whoever writes a processor: what it threw on, replayed and thought better of.
  await failEvents(fleet().redis.url, 2, "no such contact");
  await hands.press("g", "d");
  await isAt("2 dead letters from 1 cause");
  await hands.enter("Open ");
  await page.locator("tbody tr").nth(1).waitFor();
  await isListening(page);
  await hands.enter("Replay 2");
  await expect.poll(() => focusedWords(page)).toBe("Cancel");
  await hands.enter("Replay 2");
  await page.getByRole("button", { name: "Undo" }).waitFor();
  await hands.enter("Undo");
  await page
    .locator(".toast")
    .filter({ hasText: /stopped before it began/ })
    .waitFor();
  // The newcomer breaks something, and nothing is lost by it.
  if (!isCompose) {
    await hands.press("g", "f");
    await isAt("9 of 10 mailboxes are fresh");
    await hands.enter("break something");
    await isAt("1 fault is ordered.");
    await hands.enter("Deal new UIDs");
    await hands.press("g", "a");
    await page.getByRole("row").filter({ hasText: "broke something in the sandbox" }).first().waitFor();
  }
  expectQuiet();
});

test("the focus is seen, and never under the frame, on a phone", async () => {
  const { page, expectQuiet } = await visit("/");
  await page.setViewportSize({ width: 390, height: 480 });
  await isListening(page);
  for (const key of ["Tab", "Shift+Tab"]) {
    // From the page's begin to its end, and back.
    for (let n = 0; n < 45; n++) {
      await page.keyboard.press(key);
      expect(await hiddenFocus(page), `${key}, ${n}`).toBeUndefined();
    }
  }
  expectQuiet();
});

test("with the colours of the system states keep a border, and words beside it", async () => {
  const { page, expectQuiet } = await visit("/mailboxes");
  await page.emulateMedia({ forcedColors: "active" });
  for (const [path, parts] of [
    ["/mailboxes", ".chip"],
    ["/", ".bar i"],
  ] as const) {
    await page.goto(path);
    const states = page.locator(parts);
    await states.first().waitFor();
    const borders = await states.evaluateAll((found) => {
      const { getComputedStyle } = globalThis as unknown as { getComputedStyle(node: unknown): { borderTopStyle: string } };
      return found.map((state) => getComputedStyle(state).borderTopStyle);
    });
    expect([...new Set(borders)].filter((style) => style !== "dotted")).toEqual(["solid"]);
  }
  await page.getByRole("link", { name: /^\d+ fresh$/ }).waitFor();
  expectQuiet();
});

test("seven tabs are live by one stream", async () => {
  const { page, context, expectQuiet } = await arrive();
  let streams = 0;
  context.on("request", (request) => (streams += request.url().endsWith("/api/stream") ? 1 : 0));
  await page.goto("/");
  await expect.poll(() => streams, { timeout: 30_000 }).toBe(1);
  const tabs = await Promise.all(Array.from({ length: 6 }, () => context.newPage()));
  await Promise.all(tabs.map((tab) => tab.goto("/")));
  for (const tab of [page, ...tabs]) await tab.getByRole("button", { name: /live \d s/ }).waitFor();
  expect(streams).toBe(1);
  // The tab that has the stream goes; another takes over.
  await page.close();
  await expect.poll(() => streams, { timeout: 30_000 }).toBe(2);
  for (const tab of tabs) await tab.getByRole("button", { name: /live \d s/ }).waitFor();
  expectQuiet();
});

test("the board of the raw queues runs under its policy, and shows no mailbox", async () => {
  const { page, expectQuiet } = await visit("/board");
  await page.getByRole("link", { name: "sync-fresh" }).first().click();
  await page.waitForURL("**/board/queue/sync-fresh**");
  await page
    .getByRole("button", { name: /latest/i })
    .or(page.getByRole("link", { name: /latest/i }))
    .first()
    .waitFor();
  expect(await page.locator("body").textContent()).not.toContain("contoso.example");
  expectQuiet();
});

test("the policy of a page is as it was designed, and no script is allowed besides ours", async () => {
  const answer = await get("/");
  const policy = answer.headers.get("content-security-policy") ?? "";
  expect(policy.replace(/'sha256-[^']+'/, "'sha256-'")).toBe(
    "default-src 'none'; script-src 'self' 'sha256-'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html",
  );
});

const pages: readonly (readonly [what: string, path: string])[] = [
  ["the fleet", "/"],
  ["a list of mailboxes", "/mailboxes"],
  ["a tenant", "/tenants/contoso"],
  ["a mailbox", `/mailboxes/contoso/${refused}`],
  ["dead letters", "/dead-letters"],
  ["activity", "/activity"],
  ["about", "/about"],
  // Not there where the tenants' servers are on another machine.
  ...(isCompose ? [] : [["what breaks the sandbox", "/sandbox"] as const]),
];

describe("axe finds nothing, in both themes and widths,", () => {
  test.each(pages)("on %s", async (what, path) => {
    const { page, expectQuiet } = await visit(path);
    await heading(page).waitFor();
    await expectAccessible(page, what);
    await page.setViewportSize({ width: 320, height: 640 });
    expect(await sidewaysScroll(page), `${what} scrolls sideways at 320 px`).toBe(0);
    expectQuiet();
  });
});
