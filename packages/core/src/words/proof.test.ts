import { expect, test } from "vitest";
import { emptyAccount } from "../account-folder.ts";
import { extrasSentence, gapSentence, hiddenSentence, repairSentence, wholeSentence } from "./proof.ts";

const now = Date.UTC(2026, 10, 23, 14, 3, 22);
const style = { now, zone: 0 } as const;

test.each([
  [
    wholeSentence({ ...emptyAccount, listed: 41_203 }, { commands: 31, ms: 4_210 }),
    "Nothing is missing: all 41,203 messages on the server are accounted for. 0 gaps, 0 extras, 31 commands, 4.2 s.",
  ],
  [
    wholeSentence({ ...emptyAccount, extras: 1 }, { commands: 1, ms: 12 }),
    "Nothing is missing: there is no message on the server. 0 gaps, 1 extra, 1 command, 12 ms.",
  ],
  [
    gapSentence([{ path: "INBOX", uids: [[48_112, 48_113]] }], now - 17_400_000, style),
    "2 messages are missing: INBOX 48,112 and 48,113, listed since 09:13, never handed off.",
  ],
  [
    gapSentence([{ path: "INBOX", uids: [[48_112, 48_113]], uidls: ["48112", "48113"] }], undefined, style),
    "2 messages are missing: INBOX UIDL 48112 and 48113, listed, never handed off.",
  ],
  [
    gapSentence([{ path: "INBOX", uids: [[1, 5]], uidls: ["0001a", null, "x\u001b[2J", "d", "e"] }], undefined, style),
    "5 messages are missing: INBOX UIDL 0001a, (not known) and 3 more, listed, never handed off.",
  ],
  [gapSentence([{ path: "INBOX", uids: [[7, 7]] }], undefined, style), "1 message is missing: INBOX 7, listed, never handed off."],
  [
    gapSentence(
      [
        { path: "A", uids: [[1, 3]] },
        { path: "B\u001b[2J", uids: [[5, 100]] },
      ],
      undefined,
      style,
    ),
    "99 messages are missing: A 1, 2 and 3; B[2J 5, 6 and 94 more, listed, never handed off.",
  ],
  [repairSentence("done", 2), "2 messages were put back and handed off."],
  [
    repairSentence("nobody-works", 1),
    "1 message was put back, and no worker runs here to fetch it. It is handed off after the next start: npx mailfleet up",
  ],
  [
    repairSentence("waits", 2),
    "2 messages were put back and not all fetched yet. They stay owed, and mailfleet goes on trying; what stops the mailbox: npx mailfleet status",
  ],
  [hiddenSentence("INBOX", 1), "INBOX: the server counts 1 message that it does not list, so nothing is proven of it."],
  [extrasSentence(2), "2 messages were handed off and are no longer on the server: told as removed with the next comparison."],
])("%s", (said, expected) => {
  expect(said).toBe(expected);
});
