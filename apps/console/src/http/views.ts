import type { LoginShell, PageAnswer, PageName } from "@mailfleet/core/console";
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
    case "login":
      return "Sign in";
    case "not-found":
      return "Not found";
  }
}
