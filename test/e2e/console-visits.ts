import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { openVisitor, startBrowser, type Visitor } from "./browser.ts";
import type { FleetUnderTest } from "./fleet-under-test.ts";
import { startFleet } from "./start-fleet.ts";

/** The one mailbox of the small fleet that its server refuses. */
export const refused = "hr@contoso.example";

export interface ConsoleVisits {
  readonly fleet: () => FleetUnderTest;
  /** A browser of somebody who has not asked for a page yet. */
  arrive(): Promise<Visitor>;
  /** Somebody whom a proxy in front of another console of the fleet names; anna may act. */
  arriveAs(name: string): Promise<Visitor>;
  /** A tab of somebody who has just come in. */
  visit(path: string): Promise<Visitor>;
  /** The same person's request without a browser. */
  get(path: string): Promise<Response>;
}

/** A browser and a small fleet of two tenants and ten mailboxes, for all tests of a file. */
export function useConsole(): ConsoleVisits {
  let browser: Browser;
  let fleet: FleetUnderTest;
  const visitors: Visitor[] = [];
  beforeAll(async () => {
    [browser, fleet] = await Promise.all([
      startBrowser(),
      startFleet({
        tenants: [
          { alias: "contoso", mailboxes: 6, messages: 60 },
          { alias: "fabrikam", mailboxes: 4, messages: 40 },
        ],
        prepare: (sandbox) => sandbox.setRefused(refused, true),
        pollSeconds: 10,
        freshWithinSeconds: 120,
      }),
    ]);
  });
  // One person has ten live pages at most.
  afterEach(async () => {
    await Promise.all(visitors.splice(0).map((visitor) => visitor.close()));
  });
  afterAll(async () => {
    await browser.close();
    await fleet.stop();
  });
  const arrive = async (): Promise<Visitor> => {
    const visitor = await openVisitor(browser, fleet.url, fleet.visitor);
    visitors.push(visitor);
    return visitor;
  };
  let proxied: Promise<string> | undefined;
  return {
    fleet: () => fleet,
    arrive,
    async arriveAs(name) {
      proxied ??= fleet.startBehindProxy(["anna"]);
      const visitor = await openVisitor(browser, await proxied, { headers: { "x-forwarded-user": name } });
      visitors.push(visitor);
      return visitor;
    },
    async visit(path) {
      const visitor = await arrive();
      await visitor.page.goto(path);
      return visitor;
    },
    get(path) {
      const { cookie } = fleet.visitor;
      return fetch(`${fleet.url}${path}`, { headers: cookie === undefined ? {} : { cookie } });
    },
  };
}
