import { describe, expect, test } from "vitest";
import {
  addressesOf,
  expectAccessible,
  greenOf,
  heading,
  hiddenFocus,
  isListening,
  main,
  sidewaysScroll,
  waitForHeading,
} from "./browser.ts";
import { refused, useConsole } from "./console-visits.ts";
import { isCompose } from "./start-fleet.ts";

const { arrive, fleet, get, visit } = useConsole();

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
    await page.reload();
    await waitForHeading(page, "1 mailbox fits the filter");
    expect(await addressesOf(page)).toEqual([one]);
    await page.goBack();
    await waitForHeading(page, "10 mailboxes");
    await page.goForward();
    await waitForHeading(page, "1 mailbox fits the filter");
    await page.getByLabel("Address or tenant begins with").fill("nobody");
    await page.getByText("No mailbox fits the filter").waitFor();
    await main(page).getByRole("link", { name: "Clear the filter" }).click();
    await waitForHeading(page, "10 mailboxes");
    expectQuiet();
  });

  test("moves nothing while a row has the focus, and drops no selection", async () => {
    const { page, expectQuiet } = await visit("/mailboxes?sort=age");
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
    await page.keyboard.press(".");
    await note.waitFor({ state: "detached" });
    expect(await addressesOf(page)).not.toEqual(before);
    expect([...(await addressesOf(page))].sort()).toEqual([...before].sort());
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
    try {
      await page.getByRole("alert").filter({ hasText: "Not live since" }).waitFor({ timeout: 25_000 });
      expect(await page.title()).toContain("(not live)");
      expect(await page.getByRole("button", { name: "Run doctor" }).isDisabled()).toBe(true);
      expect(await greenOf(page)).toEqual([]);
      // Who comes now is told, and waits no longer than that.
      const answer = await another;
      expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: "NOT_LIVE" } }]);
    } finally {
      await fleet().redis.resume();
    }
    await page.getByRole("alert").waitFor({ state: "hidden", timeout: 25_000 });
    expect(await page.title()).not.toContain("(not live)");
    expect(await page.evaluate(() => (globalThis as unknown as { isSame?: boolean }).isSame)).toBe(true);
  });
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
  await expect.poll(() => streams, { timeout: 10_000 }).toBe(1);
  const tabs = await Promise.all(Array.from({ length: 6 }, () => context.newPage()));
  await Promise.all(tabs.map((tab) => tab.goto("/")));
  for (const tab of [page, ...tabs]) await tab.getByRole("button", { name: /live \d s/ }).waitFor();
  expect(streams).toBe(1);
  // The tab that has the stream goes; another takes over.
  await page.close();
  await expect.poll(() => streams, { timeout: 10_000 }).toBe(2);
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
