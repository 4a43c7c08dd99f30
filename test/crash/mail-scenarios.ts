import { deliver, large, minute, smallMailbox } from "./small-mailbox.ts";
import type { Scenario } from "./run-scenario.ts";

/** So that polls in between have nothing to compare and nothing to list. */
const numbersOnly = { listMs: 24 * 60 * minute, compare: { recentMs: 86_400_000, wholeMs: 2 * 86_400_000, recentUids: 500 } };

/** What happens to messages. */
export const mailScenarios: readonly Scenario[] = [
  {
    name: "first sync",
    begin(world) {
      smallMailbox(world);
      world.mail.deliver("INBOX", world.message("attached", ["X-Attachment: hello"]), { flags: ["\\Seen"] });
      // Announced as large, so it comes in pieces and is parsed from what was stored.
      world.mail.deliver("INBOX", world.message("large", ["X-Attachment: hello"]), { size: 9 * 1024 * 1024 });
      world.mail.deliver("INBOX", world.message("huge"), { size: 300 * 1024 * 1024 });
      world.mail.deliver("Archive", world.message("garbled", ["X-Unparseable: its parts never end"]));
    },
  },
  {
    name: "new mail",
    begin: smallMailbox,
    change(world) {
      deliver(world, "INBOX", ["a4", "a5", "a6"], { size: large });
      deliver(world, "Archive", ["b3"]);
      world.mail.createFolder("Projects");
      deliver(world, "Projects", ["p1"]);
    },
  },
  {
    name: "slices of history",
    world: { settings: { slice: { messages: 2, bytes: 64e6, seconds: 20 } } },
    begin(world) {
      world.mail.createFolder("Archive");
      deliver(world, "INBOX", ["a1", "a2", "a3", "a4", "a5"]);
      deliver(world, "Archive", ["b1", "b2", "b3"]);
      world.mail.expunge("INBOX", [2]);
      world.later(1, () => deliver(world, "INBOX", ["a6"]));
    },
  },
  {
    name: "flags and removals",
    begin: smallMailbox,
    change(world) {
      world.mail.setFlags("INBOX", 1, ["\\Seen"]);
      world.mail.setFlags("INBOX", 2, ["\\Flagged", "Invoice"]);
      world.mail.expunge("INBOX", [3]);
      world.mail.move("Archive", [1], "INBOX");
    },
  },
  {
    name: "flags and removals with CONDSTORE",
    world: { features: { hasCondStore: true } },
    begin: smallMailbox,
    change(world) {
      world.mail.setFlags("INBOX", 1, ["\\Seen"]);
      world.mail.setFlags("INBOX", 2, ["\\Flagged"]);
      world.mail.expunge("INBOX", [3]);
      world.mail.setFlags("Archive", 2, ["\\Answered"]);
    },
  },
  {
    name: "a mailbox that is refused for hours",
    begin: smallMailbox,
    change(world) {
      world.mail.refuse(true);
      deliver(world, "INBOX", ["a4"]);
      world.later(4 * 60 * minute, () => world.mail.refuse(false));
    },
  },
  {
    name: "withheld and late messages",
    begin: smallMailbox,
    change(world) {
      deliver(world, "INBOX", ["a4", "late", "withheld", "never", "a8"]);
      world.mail.hide("INBOX", 5, true);
      world.mail.withhold("INBOX", 6, true);
      world.mail.withhold("INBOX", 7, true);
      world.later(30 * minute, () => {
        world.mail.hide("INBOX", 5, false);
        world.mail.withhold("INBOX", 6, false);
      });
    },
  },
  {
    name: "a mailbox that is polled by its folders' numbers",
    world: { settings: numbersOnly },
    begin: smallMailbox,
    change(world) {
      deliver(world, "INBOX", ["a4"]);
      world.later(100 * minute, () => world.mail.setFlags("INBOX", 1, ["\\Seen"]));
      world.later(200 * minute, () => world.mail.expunge("Archive", [1]));
    },
  },
  {
    name: "a mailbox with CONDSTORE that is polled by its folders' numbers",
    world: { features: { hasCondStore: true }, settings: numbersOnly },
    begin: smallMailbox,
    change(world) {
      world.mail.setFlags("Archive", 2, ["\\Answered"]);
      world.later(100 * minute, () => world.mail.expunge("INBOX", [3]));
    },
  },
];
