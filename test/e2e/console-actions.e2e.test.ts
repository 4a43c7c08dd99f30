import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { hostileMails } from "@mailfleet/testkit/hostile-mail";
import { describe, expect, test } from "vitest";
import { addressesOf, expectAccessible, focusedWords, heading, isListening, main, tabTo, waitForHeading } from "./browser.ts";
import { refused, useConsole } from "./console-visits.ts";
import { failEvents } from "./failing-events.ts";
import { isCompose } from "./start-fleet.ts";

const { arriveAs, fleet, get, visit } = useConsole();

const run = promisify(execFile);

/** A mailbox that nothing else is done to. */
const chosen = (): string => fleet().sandbox.tenants[0]?.addresses.find((address) => address !== refused) ?? "";

/** A printed command, as a shell reads it and the fleet's command line takes it. */
async function paste(command: string) {
  const { stdout } = await run("bash", ["-c", `printf '%s\\0' ${command}`]);
  const [npx, name, ...args] = stdout.split("\0").slice(0, -1);
  expect([npx, name]).toEqual(["npx", "mailfleet"]);
  return fleet().mailfleet(...args);
}

/** What it says does the same, of the dialog that is open; then the dialog is closed. */
async function commandOfDialog(page: Page): Promise<string> {
  const dialog = page.getByRole("dialog");
  const command = (await dialog.getByRole("group", { name: "Command" }).textContent()) ?? "";
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  return command;
}

describe("the fleet", () => {
  test("is told in one sentence: by its page, by status, and to Prometheus for its alerts", async () => {
    const { page, expectQuiet } = await visit("/");
    await waitForHeading(page, "9 of 10 mailboxes are fresh. One cause needs you.");
    const sentence = await heading(page).textContent();
    expect((await fleet().mailfleet("status")).doc).toMatchObject({ sentence });
    // A producer believes what it read for some seconds.
    const shown = async (): Promise<string | undefined> => {
      const [answer] = await fleet().ask("producer", "/metrics");
      return /^mailfleet_sentence_info\{sentence="(.*)"\} 1$/m.exec(answer?.text ?? "")?.[1];
    };
    await expect.poll(shown, { timeout: 30_000 }).toBe(sentence);
    expectQuiet();
  });

  test("has counts each of which leads to as many mailboxes, and its states add up to all of them", async () => {
    const { page, expectQuiet } = await visit("/");
    const link = main(page).locator('a[href^="/mailboxes?"]');
    await link.first().waitFor();
    const countOf = (words: string): number => Number(/^[\d,]+/.exec(words.trim())?.[0].replaceAll(",", "") ?? Number.NaN);
    const totalOf = async (path: string): Promise<number> => {
      const answer = await get(`/api/page?path=${encodeURIComponent(path)}`);
      return ((await answer.json()) as { page: { data: { total: number } } }).page.data.total;
    };
    const unlike = async (): Promise<unknown[]> => {
      const links = await link.evaluateAll((found) =>
        (found as unknown as { textContent: string; getAttribute(name: string): string }[]).map(
          (one) => [one.getAttribute("href"), one.textContent] as const,
        ),
      );
      const lists = await Promise.all(links.map(async ([path, words]) => ({ path, says: countOf(words), has: await totalOf(path) })));
      const states = lists.filter(({ path }) => /^\/mailboxes\?state=[\w-]+$/.test(path));
      const sum = states.reduce((all, { says }) => all + says, 0);
      return [...lists.filter(({ says, has }) => says !== has), ...(sum === 10 ? [] : [{ states, sum }])];
    };
    // Numbers and lists are looked at in two moments.
    await expect.poll(unlike, { timeout: 60_000 }).toEqual([]);
    expectQuiet();
  });
});

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
    // The heading is there before the page's script has run.
    await main(page).filter({ hasText: "Grant FullAccess" }).waitFor();
    await expect(main(page).textContent()).resolves.toContain(`mailfleet doctor --mailbox ${refused}`);
    await expectAccessible(page, "a cause");
    await page.getByRole("link", { name: refused }).click();
    await waitForHeading(page, `${refused} is parked`);
    await page.getByRole("button", { name: "Run doctor" }).click();
    const doctor = page.getByRole("region", { name: "Doctor" });
    await doctor.getByText("In a terminal this ends with exit code 1").waitFor({ timeout: 60_000 });
    await doctor.getByRole("listitem").filter({ hasText: "passed: token" }).waitFor();
    await expect(doctor.textContent()).resolves.toContain(`Add-MailboxPermission -Identity '${refused}'`);
    await expect(doctor.textContent()).resolves.not.toContain(await fleet().secretOf("contoso"));
    await expectAccessible(page, "what the doctor found");
    await doctor.getByRole("button", { name: "Close" }).click();
    await doctor.waitFor({ state: "detached" });
    await fleet().sandbox.setRefused(refused, false);
    await page.getByRole("button", { name: "Try now" }).click();
    await waitForHeading(page, `${refused} is fresh`);
    await main(page).filter({ hasText: "unaccounted" }).waitFor();
    await page.getByRole("link", { name: "Fleet", exact: true }).click();
    await waitForHeading(page, "All 10 mailboxes are fresh. Nothing needs you.");
    await expect.poll(() => page.getByText("Nothing needs you.", { exact: true }).count()).toBe(1);
    expectQuiet();
  });
});

describe("dead letters", () => {
  test("are grouped by cause, revealed one at a time and on record, and replayed as many as the dialog said", async () => {
    const { page, expectQuiet } = await visit("/dead-letters");
    await waitForHeading(page, "Nothing failed");
    await failEvents(fleet().redis.url, 3, "HTTP 503 from crm.internal");
    await page.getByRole("link", { name: /Dead letters 3/ }).waitFor();
    await waitForHeading(page, "3 dead letters from 1 cause");
    await page.getByRole("link", { name: /^Open / }).click();
    const rows = page.locator("tbody tr");
    await rows.nth(2).waitFor();
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
    await failEvents(fleet().redis.url, 1, "HTTP 503 from crm.internal");
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

describe("messages that were set aside", () => {
  test("are replayed as many as the dialog said", async () => {
    const { sandbox } = fleet();
    const nested = hostileMails().find(({ name }) => name === "300 levels");
    for (let n = 0; n < 2; n++) await sandbox.deliver(chosen(), "INBOX", nested?.bytes ?? new Uint8Array());
    const { page, expectQuiet } = await visit("/dead-letters?whose=messages");
    await page.getByRole("heading", { name: /could not be read as a message/ }).waitFor({ timeout: 60_000 });
    await waitForHeading(page, "2 dead letters from 1 cause");
    await page.getByRole("button", { name: "Replay 2", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.textContent()).resolves.toContain("2 dead letters of cause");
    await dialog.getByRole("button", { name: "Replay 2" }).click();
    await page.locator(".toast").filter({ hasText: "2 read anew, of which 2 are set aside again" }).waitFor({ timeout: 30_000 });
    expectQuiet();
  });
});

describe("dead letters that nobody wants", () => {
  test("are discarded by their number, and put back from their stored bytes", async () => {
    const { page, expectQuiet } = await visit("/");
    await waitForHeading(page, /^(9 of|All) 10 mailboxes are fresh/);
    await failEvents(fleet().redis.url, 2, "no such customer");
    await page.goto("/dead-letters?whose=consumers");
    await page.getByRole("heading", { name: /no such customer/ }).waitFor();
    await page.getByRole("link", { name: /^Open / }).click();
    await page.getByRole("button", { name: "Discard 2", exact: true }).click();
    const dialog = page.getByRole("dialog");
    const button = dialog.getByRole("button", { name: "Discard 2" });
    expect(await button.isDisabled()).toBe(true);
    await expectAccessible(page, "the dialog of discard");
    await dialog.getByLabel("Type 2 to discard them").fill("2");
    await button.click();
    await page.locator(".toast").filter({ hasText: "2 discarded" }).waitFor();
    await page.getByRole("heading", { name: "Discarded, kept for seven days" }).waitFor();
    await page.getByRole("button", { name: "Restore" }).click();
    const done = page.locator(".toast").filter({ hasText: "2 messages put back." });
    await done.waitFor({ timeout: 30_000 });
    await page.getByRole("heading", { name: "Discarded, kept for seven days" }).waitFor({ state: "detached" });
    const restore = (await done.getByRole("button", { name: /^Copy the command/ }).getAttribute("title")) ?? "";
    expect(restore).toMatch(/^npx mailfleet dead-letters restore \S+(?: --config \S+)?$/);
    // What the page has put back, the command finds put back.
    expect(await paste(restore)).toMatchObject({ code: 2, doc: { error: { code: "DISCARD_UNKNOWN" } } });
    expectQuiet();
  });

  test("or are tried again are so by the dialog's command as well, exactly those that it counted", async () => {
    const { page, expectQuiet } = await visit("/");
    // The terminal's own list is of another moment.
    await fleet().mailfleet("dead-letters", "list");
    await failEvents(fleet().redis.url, 2, "no such order");
    await page.goto("/dead-letters?whose=consumers");
    await page.getByRole("heading", { name: /no such order/ }).waitFor();
    await page.getByRole("button", { name: "Replay 2", exact: true }).click();
    const replay = await commandOfDialog(page);
    await failEvents(fleet().redis.url, 1, "no such order");
    expect(await paste(replay)).toMatchObject({ code: 0, doc: { selected: 2, done: 2 } });

    await page.getByRole("button", { name: "Replay 1", exact: true }).waitFor({ timeout: 30_000 });
    await page.getByRole("link", { name: /^Open / }).click();
    await page.getByRole("button", { name: "Discard 1", exact: true }).click();
    const { doc } = await paste(`${await commandOfDialog(page)} --yes`);
    expect(doc).toMatchObject({ done: 1, discarded: expect.any(String) });
    await page.getByRole("heading", { name: "Discarded, kept for seven days" }).waitFor({ timeout: 30_000 });
    const restored = await fleet().mailfleet("dead-letters", "restore", doc["discarded"] as string);
    expect(restored).toMatchObject({ code: 0, doc: { ok: true, putBack: 1 } });
    await page.goto("/dead-letters");
    await waitForHeading(page, /dead letters? from 1 cause/);
    await page.getByRole("heading", { name: "Discarded, kept for seven days" }).waitFor({ state: "detached" });
    expectQuiet();
  });
});

describe("a proof", () => {
  test("names what is missing by folder and UID with the exit code, and once it was fetched nothing is missing", async () => {
    const { sandbox } = fleet();
    const address = chosen();
    const { page, expectQuiet } = await visit(`/mailboxes/contoso/${address}`);
    await waitForHeading(page, `${address} is fresh`);
    await page.getByText(/The worst state of each hour: .*hours? not recorded/).waitFor();
    // So that no session finds it first.
    await page.getByRole("button", { name: "Park", exact: true }).click();
    await waitForHeading(page, `${address} is parked by ${fleet().visitor.name}`);
    const uid = await sandbox.plant(address);
    await page.getByRole("button", { name: "Prove", exact: true }).click();
    const proof = page.getByRole("region", { name: "Proof" });
    await proof.getByText("In a terminal this ends with exit code 1").waitFor({ timeout: 60_000 });
    await expect(proof.getByRole("row").last().textContent()).resolves.toMatch(new RegExp(`INBOX\\s+1 message\\s+${uid}`));
    await expectAccessible(page, "a proof with a gap");
    await page.getByRole("button", { name: "Resume" }).click();
    await waitForHeading(page, `${address} is fresh`);
    await page.getByRole("button", { name: "Prove", exact: true }).click();
    await proof.getByText("In a terminal this ends with exit code 0: nothing is missing.").waitFor({ timeout: 60_000 });
    await page.getByText("Proven: every message that the server listed was accounted for.").waitFor();
    expectQuiet();
  });
});

// The page is not there where the tenants' servers are on another machine.
describe.runIf(!isCompose)("the sandbox", () => {
  test("is broken from its page, and mended", async () => {
    await fleet().sandbox.clearFaults();
    const { page, expectQuiet } = await visit("/about");
    await page.getByRole("link", { name: "Break something" }).click();
    await waitForHeading(page, "Nothing goes wrong on purpose.");
    await page.getByRole("combobox", { name: "Fault" }).selectOption("search-slow");
    await page.getByText("SEARCH takes its time").first().waitFor();
    await page.getByRole("combobox", { name: "Where" }).selectOption("tenant fabrikam");
    await page.getByRole("button", { name: "Break it" }).click();
    await waitForHeading(page, "1 fault is ordered.");
    expect(await fleet().sandbox.faults()).toMatchObject([{ name: "search-slow", tenant: "fabrikam" }]);
    await expectAccessible(page, "a fault that is ordered");
    await page.getByRole("button", { name: "End search-slow" }).click();
    await waitForHeading(page, "Nothing goes wrong on purpose.");
    await page.goto("/activity?who=people");
    await page
      .getByRole("row")
      .filter({ hasText: "broke something in the sandbox" })
      .filter({ hasText: "search-slow, fabrikam" })
      .waitFor();
    expectQuiet();
  });
});

test("a viewer sees every page and no button that does anything; who may act sees them", async () => {
  const paths = [
    "/",
    "/mailboxes",
    "/tenants/contoso",
    `/mailboxes/contoso/${refused}`,
    "/dead-letters",
    "/activity",
    "/about",
    ...(isCompose ? [] : ["/sandbox"]),
  ];
  const [vera, anna] = [await arriveAs("vera"), await arriveAs("anna")];
  const acting = /^(Try now|Run doctor|Prove|Park|Resume|Replay|Discard|Restore|Reveal|Break|Throttle|Refuse|Deal|An outage|End)\b/;
  let seen = 0;
  for (const path of paths) {
    await vera.page.goto(path);
    await isListening(vera.page);
    expect(await vera.page.getByRole("button", { name: acting }).count(), path).toBe(0);
    expect(await main(vera.page).getByRole("checkbox").count(), path).toBe(0);
    await anna.page.goto(path);
    await isListening(anna.page);
    seen += await anna.page.getByRole("button", { name: acting }).count();
  }
  expect(seen).toBeGreaterThan(5);
  vera.expectQuiet();
  anna.expectQuiet();
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
    const command = (await page.getByRole("dialog").getByRole("group", { name: "Command" }).textContent()) ?? "";
    await keyboard.press("Tab");
    expect(await focusedWords(page)).toBe("Park 2");
    await keyboard.press("Enter");
    await page.getByRole("button", { name: "Undo" }).waitFor();
    await tabTo(page, "Undo");
    await keyboard.press("Enter");
    const parked = () => page.locator("tbody tr").filter({ hasText: "parked by operator" }).count();
    await expect.poll(parked, { timeout: 30_000 }).toBe(0);
    // The command that the dialog showed does the same, and so does the one that undoes it.
    expect((await paste(command)).code).toBe(0);
    await expect.poll(parked, { timeout: 30_000 }).toBe(2);
    expect((await paste(command.replace("mailboxes park", "mailboxes resume"))).code).toBe(0);
    await expect.poll(parked, { timeout: 30_000 }).toBe(0);
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
