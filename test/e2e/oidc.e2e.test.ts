import type { Browser } from "playwright-core";
import { freePort, type OidcProvider, startOidcProvider } from "@mailfleet/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestConsole, type TestConsole } from "../../apps/console/src/console.fixture.ts";
import { openVisitor, startBrowser, type Visitor } from "./browser.ts";

let browser: Browser;
let provider: OidcProvider;
let it: TestConsole;
/** Under another name than the login service, which is another site to a browser. */
let url: string;
let anna: Visitor;

beforeAll(async () => {
  const port = await freePort();
  url = `http://localhost:${port}`;
  const redirectUri = `${url}/login/oidc/callback`;
  provider = await startOidcProvider({ clientId: "console", redirectUri });
  const oidc = `{ issuer: "${provider.issuer}", clientId: console, redirectUri: "${redirectUri}", operators: [admins], viewers: [support] }`;
  [browser, it] = await Promise.all([startBrowser(), startTestConsole({ port, console: `  auth: { oidc: ${oidc} }\n` })]);
  provider.person = { preferred_username: "anna@contoso.example", roles: ["admins"] };
  anna = await openVisitor(browser, url);
  // A page elsewhere that leads to the console, as an alert does.
  await anna.context.route("http://alerts.example/**", (route) =>
    route.fulfill({ contentType: "text/html", body: `<a href="${url}/mailboxes?tenant=fabrikam">Look</a>` }),
  );
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await it?.end();
  await provider?.stop();
});

const signIn = { name: "Sign in with your organisation" };

test("a browser signs in at another site and is back at the page that was asked for", async () => {
  const { page, context } = anna;
  await page.goto("/mailboxes?tenant=contoso");
  await page.getByRole("link", signIn).click();
  await page.getByRole("heading", { name: /2 mailboxes/ }).waitFor();
  expect(page.url()).toBe(`${url}/mailboxes?tenant=contoso`);
  expect((await context.cookies(url)).map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite])).toEqual([
    ["mailfleet", true, "Strict"],
  ]);
  // The answer of the login service is no page to go back to.
  await page.goto("/about");
  await page.goBack();
  await page.getByRole("heading", { name: /2 mailboxes/ }).waitFor();
});

test("a link of another site leads to its page, and asks nobody to sign in who is", async () => {
  const { page } = anna;
  await page.goto("http://alerts.example/");
  await page.getByRole("link", { name: "Look" }).click();
  await page.getByRole("heading", { name: /1 mailbox/ }).waitFor();
  expect(page.url()).toBe(`${url}/mailboxes?tenant=fabrikam`);
});

test("whoever has signed out sees nothing any more, not by going back and not by a link", async () => {
  const { page, context } = anna;
  await page.goto("/about");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", signIn).waitFor();
  expect(await context.cookies(url)).toEqual([]);
  await page.goBack();
  await page.getByRole("link", signIn).waitFor();
  await page.goto("http://alerts.example/");
  await page.getByRole("link", { name: "Look" }).click();
  await page.getByRole("link", signIn).waitFor();
  expect(page.url()).toBe(`${url}/mailboxes?tenant=fabrikam`);
});
