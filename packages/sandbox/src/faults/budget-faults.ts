import type { FaultSpec } from "./fault-spec.ts";
import { count, flag, milliseconds, words } from "./param-kinds.ts";

const answer = words(
  ["NO", "BAD"],
  "how the command is answered; over POP3 always `-ERR`, and with BAD it counts towards the three that close",
);
/** Microsoft's hints run from 5 s to 50 min; shorter ones are for tests. */
const hintMs = milliseconds(300_000, "the wait that is suggested", 100);
const bye = flag("`* BYE Connection closed. 14`, over POP3 `Connection is closed. 21` without `-ERR`, follows and the connection ends");

/** How the server defends itself against being asked too much (field guide 3.6). */
export const budgetFaults = {
  throttle: {
    side: "mail",
    says: "Logins and commands are refused with `Request is throttled. Suggested Backoff Time: N milliseconds`, for as long as the order stands.",
    params: {
      hintMs,
      countsDown: flag("the wait is what is left of the order's own time, in place of hintMs"),
      at: words(["both", "login", "command"], "what is refused"),
      answer,
      bye,
    },
  },
  budget: {
    side: "mail",
    reach: "mailbox",
    occurs: "lasts",
    says:
      "A hidden account of server time. Every command costs some; time refills it. When it gets low, answers come later and later; when it " +
      "is empty, logins and commands are refused as by `throttle` until the suggested wait is over, whatever has been refilled meanwhile.",
    params: {
      per: words(["mailbox", "tenant"], "whose account it is"),
      burstMs: milliseconds(60_000, "server time at the start, and at most", 1),
      rechargeMsPerSecond: count(200, "server time that a second brings back", 0, 100_000),
      delayBelowMs: milliseconds(10_000, "below this balance answers are delayed"),
      maxDelayMs: milliseconds(2_000, "the delay of a command at an empty account"),
      hintMs,
      answer,
      bye,
      virtual: flag("costs are taken off the account and do not pass as time; delays still do"),
      loginMs: milliseconds(100, "cost of a login"),
      selectMs: milliseconds(25, "cost of SELECT or EXAMINE"),
      statusMs: milliseconds(15, "cost of STATUS or STAT"),
      listMs: milliseconds(25, "cost of LIST, LSUB or UIDL"),
      searchMs: milliseconds(30, "cost of SEARCH"),
      fetchMs: milliseconds(10, "cost of FETCH, RETR or TOP, whatever it brings"),
      rowMs: milliseconds(0.02, "cost of each message in a FETCH without content, and of each line of LIST and UIDL over POP3"),
      messageMs: milliseconds(30, "cost of each message whose content is brought"),
      kilobyteMs: milliseconds(1, "cost of each 1,024 bytes of content"),
      otherMs: milliseconds(5, "cost of any other command"),
    },
  },
  slow: {
    side: "mail",
    says: "Answers come late, as before a throttling or with a server under load.",
    params: {
      ms: milliseconds(1_000, "the delay of each command"),
      verb: { kind: "text", default: "", says: "the command; empty for all" },
    },
  },
  "connection-cap": {
    side: "mail",
    reach: "mailbox",
    says: "Only so many connections at once: one more login is refused, in words that do not say why.",
    params: {
      count: count(16, "how many are let in", 0, 100_000),
      per: words(["mailbox", "tenant"], "whose connections are counted"),
      form: words(
        ["no", "not-connected", "no-not-connected", "too-many"],
        "`NO AUTHENTICATE failed.`; OK and then not connected; NO and not connected; `NO Too many simultaneous connections.` (other servers). POP3 has `-ERR` for `NO`, and its own words for the first",
      ),
    },
  },
} as const satisfies Readonly<Record<string, FaultSpec>>;
