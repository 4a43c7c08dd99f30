import { describeCause, type LoginShell, type PageAnswer, type PageName, stateSentence } from "@mailfleet/core/console";
import type { BrowserSet } from "../assets/browser-set.ts";

/** What makes pages of answers. */
export interface Views {
  /** Absent for plain pages, which load nothing. */
  readonly set?: BrowserSet;
  /** A whole page. @param cookies of the request, for what the viewer prefers */
  shell(answer: PageAnswer | LoginShell, cookies: string | undefined): string;
}

/** The tab's title: no address stands in it. */
export function titleOf(name: PageName): string {
  switch (name) {
    case "fleet":
      return "Fleet";
    case "mailboxes":
      return "Mailboxes";
    case "cause":
      return "Cause";
    case "tenant":
      return "Tenant";
    case "mailbox":
      return "Mailbox";
    case "dead-letters":
      return "Dead letters";
    case "activity":
      return "Activity";
    case "about":
      return "About";
    case "sandbox":
      return "Break something";
    case "login":
      return "Sign in";
    case "not-found":
      return "Not found";
  }
}

/** What a page says before its first script has run: its sentence. */
export function headingOf(answer: PageAnswer | LoginShell): string {
  if (!("frame" in answer)) return "Sign in";
  const { frame, page } = answer;
  switch (page.name) {
    case "fleet":
    case "mailboxes":
    case "activity":
    case "about":
    case "sandbox":
      return page.name === "fleet" ? frame.sentence : titleOf(page.name);
    case "cause":
      return describeCause(page.data.cause, { now: frame.at, zone: "utc" }).happened;
    case "tenant":
      return `${page.data.tenant.alias}: ${page.data.sentence}`;
    case "mailbox":
      return `${page.data.row.address} is ${stateSentence(page.data.row, { now: frame.at, freshWithinMs: frame.freshWithinMs, zone: "utc" })}.`;
    case "dead-letters":
      return page.data.sentence;
    case "not-found":
      return "Not found";
  }
}
