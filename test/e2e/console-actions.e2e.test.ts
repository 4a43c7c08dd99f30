import { describe, expect, test } from "vitest";
import { addressesOf, expectAccessible, focusedWords, isListening, main, tabTo, waitForHeading } from "./browser.ts";
import { refused, useConsole } from "./console-visits.ts";

const { fleet, visit } = useConsole();

describe("a mailbox that is late", () => {
  test("is named with its cause; mended, it is fresh again without a reload", async () => {
    const { page, expectQuiet } = await visit("/");
    await waitForHeading(page, "9 of 10 mailboxes are fresh. One cause needs you.");
    const cause = page.getByRole("article").filter({ hasText: `${refused} refuses mailfleet` });
    await expect(cause.textContent()).resolves.toContain("Nothing is lost");
    // Every count is a link whose list has that many rows.
    await page.getByRole("link", { name: "1 parked" }).click();
    await waitForHeading(page, "1 mailbox fits the filter");
    expect(await addressesOf(page)).toEqual([refused]);
    await page.goBack();
    await page.getByRole("link", { name: /^How to mend it/ }).click();
    await waitForHeading(page, `${refused} let mailfleet in and then refused every command`);
    await expect(main(page).textContent()).resolves.toContain("Grant FullAccess");
    await expect(main(page).textContent()).resolves.toContain(`mailfleet doctor --mailbox ${refused}`);
    await page.getByRole("link", { name: refused }).click();
    await waitForHeading(page, `${refused} is parked`);
    fleet().sandbox.setRefused(refused, false);
    await page.getByRole("button", { name: "Try now" }).click();
    await waitForHeading(page, `${refused} is fresh`);
    await expect(main(page).textContent()).resolves.toContain("unaccounted");
    await page.getByRole("link", { name: "Fleet", exact: true }).click();
    await waitForHeading(page, "All 10 mailboxes are fresh. Nothing needs you.");
    await expect(page.getByText("Nothing needs you.", { exact: true }).count()).resolves.toBe(1);
    expectQuiet();
  });
});

describe("dead letters", () => {
  test("are grouped by cause, revealed one at a time and on record, and replayed as many as the dialog said", async () => {
    const { page, expectQuiet } = await visit("/dead-letters");
    await waitForHeading(page, "Nothing failed");
    await fleet().failEvents(3, "HTTP 503 from crm.internal");
    await page.getByRole("link", { name: /Dead letters 3/ }).waitFor();
    await waitForHeading(page, "3 dead letters from 1 cause");
    await page.getByRole("link", { name: /^Open / }).click();
    const rows = page.locator("tbody tr");
    await rows.nth(2).waitFor();
    const subjects = [...fleet().sandbox.truth()].length;
    expect(subjects).toBeGreaterThan(0);
    const source = await page.content();
    expect(source).not.toMatch(/Subject:|From:/);

    await page
      .getByRole("button", { name: /^Reveal/ })
      .first()
      .click();
    const dialog = page.getByRole("dialog");
    await expect.poll(() => focusedWords(page)).toBe("Cancel");
    await dialog.getByLabel("Reason").fill("ticket 3312");
    await dialog.getByRole("button", { name: "Reveal", exact: true }).click();
    await dialog.getByRole("button", { name: "Hide" }).waitFor();
    await expect(dialog.textContent()).resolves.toContain("From ");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });

    await page.getByRole("button", { name: "Replay 3", exact: true }).click();
    // What fails meanwhile is not in it.
    await fleet().failEvents(1, "HTTP 503 from crm.internal");
    await expect(dialog.textContent()).resolves.toContain("the same keys");
    await dialog.getByRole("button", { name: "Replay 3" }).click();
    await page.getByRole("button", { name: "Undo" }).click();
    await page
      .locator(".toast")
      .filter({ hasText: /stopped before it began/ })
      .waitFor();
    await page.getByRole("button", { name: "Replay 4", exact: true }).click();
    await dialog.getByRole("button", { name: "Replay 4" }).click();
    await waitForHeading(page, "Nothing failed");

    await page.goto("/activity?who=people");
    await page.getByRole("row").filter({ hasText: "revealed one message of" }).filter({ hasText: "ticket 3312" }).waitFor();
    await page.getByRole("row").filter({ hasText: "replayed 4 dead letters" }).first().waitFor();
    expectQuiet();
  });
});

describe("parking", () => {
  test("many is undone as it was done, by keyboard alone", async () => {
    const { page, expectQuiet } = await visit("/mailboxes?tenant=fabrikam&sort=address");
    const { keyboard } = page;
    await waitForHeading(page, "4 mailboxes fit the filter");
    await isListening(page);
    for (const key of ["j", "x", "j", "x"]) await keyboard.press(key);
    await page.getByText("2 mailboxes selected").waitFor();
    await tabTo(page, "Park");
    await keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    expect(await focusedWords(page)).toBe("Cancel");
    await keyboard.press("Tab");
    expect(await focusedWords(page)).toBe("Park 2");
    await keyboard.press("Enter");
    await page.getByRole("button", { name: "Undo" }).waitFor();
    await tabTo(page, "Undo");
    await keyboard.press("Enter");
    await expect.poll(() => page.locator("tbody tr").filter({ hasText: "parked by operator" }).count(), { timeout: 15_000 }).toBe(0);
    expectQuiet();
  });
});

describe("axe finds nothing, in both themes and widths,", () => {
  test("on dialogs", async () => {
    const { page, expectQuiet } = await visit("/mailboxes");
    await page.locator("tbody input").first().check();
    await page.getByRole("region", { name: "Selection" }).getByRole("button", { name: "Park", exact: true }).click();
    await page.getByRole("dialog").waitFor();
    await expectAccessible(page, "the dialog of park");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.getByRole("option", { name: /Fleet/ }).waitFor();
    await expectAccessible(page, "going anywhere");
    await page.keyboard.press("Escape");
    await page.locator("tbody tr").first().focus();
    await page.keyboard.press("?");
    await page.getByRole("heading", { name: "Keys" }).waitFor();
    await expectAccessible(page, "the keys");
    expectQuiet();
  });
});
