import { deliver, large, minute, smallMailbox } from "./small-mailbox.ts";
import type { Scenario } from "./run-scenario.ts";

/** What happens to folders. */
export const folderScenarios: readonly Scenario[] = [
  {
    name: "a new UIDVALIDITY",
    begin: smallMailbox,
    change(world) {
      world.mail.expunge("INBOX", [1]);
      world.mail.setFlags("INBOX", 2, ["\\Seen"]);
      deliver(world, "INBOX", ["a4"]);
      world.mail.resetUidValidity("INBOX");
    },
  },
  {
    name: "a new UIDVALIDITY of set aside and equal messages, when the index beside the blobs was lost",
    begin(world) {
      smallMailbox(world);
      world.mail.deliver("INBOX", world.message("huge"), { size: 300 * 1024 * 1024 });
      world.mail.deliver("INBOX", world.message("garbled", ["X-Unparseable: its parts never end"]));
      world.mail.withhold("INBOX", world.mail.deliver("INBOX", world.message("never")), true);
      for (const _ of [1, 2]) world.mail.deliver("INBOX", world.message("copy"), { internalDate: 0 });
    },
    change(world) {
      world.blobs.loseIndex(world.mailbox);
      world.mail.expunge("INBOX", [2]);
      world.mail.resetUidValidity("INBOX");
    },
  },
  {
    name: "a new UIDVALIDITY in the middle of history, and another one",
    world: { settings: { slice: { messages: 2, bytes: 64e6, seconds: 20 } } },
    begin: (world) => deliver(world, "INBOX", ["a1", "a2", "a3", "a4", "a5"], { size: large }),
    change(world) {
      world.mail.resetUidValidity("INBOX");
      deliver(world, "INBOX", ["a6", "a7"]);
      world.later(1, () => world.mail.resetUidValidity("INBOX"));
    },
  },
  {
    name: "a new UIDVALIDITY without backfill",
    world: { settings: { backfill: false } },
    begin: smallMailbox,
    change(world) {
      deliver(world, "INBOX", ["a4", "a5"]);
      world.later(30 * minute, () => {
        world.mail.resetUidValidity("INBOX");
        deliver(world, "INBOX", ["a6"]);
      });
    },
  },
  {
    name: "a restore to a lower UIDNEXT",
    begin: smallMailbox,
    change(world) {
      world.mail.restore("INBOX", 3);
      deliver(world, "Archive", ["b3"]);
    },
  },
  {
    name: "UIDs dealt again under the same UIDVALIDITY",
    begin(world) {
      smallMailbox(world);
      deliver(world, "INBOX", ["a4", "a5", "a6"]);
    },
    change(world) {
      world.mail.restore("INBOX", 4);
      deliver(world, "INBOX", ["r4", "r5", "r6"]);
    },
  },
  {
    name: "a renamed folder",
    begin(world) {
      smallMailbox(world);
      deliver(world, "Archive", ["b3"]);
    },
    change(world) {
      world.mail.renameFolder("Archive", "Archive 2026");
      deliver(world, "Archive 2026", ["b4"]);
    },
  },
  {
    name: "a folder that is renamed in a mailbox that is polled by its folders' numbers",
    world: {
      settings: { listMs: 24 * 60 * minute, compare: { recentMs: 86_400_000, wholeMs: 2 * 86_400_000, recentUids: 500 } },
    },
    begin: smallMailbox,
    change(world) {
      world.mail.renameFolder("Archive", "Archive 2026");
      world.later(200 * minute, () => world.mail.resetUidValidity("INBOX"));
    },
  },
  {
    name: "a deleted folder",
    begin: smallMailbox,
    change: (world) => world.mail.deleteFolder("Archive"),
  },
  {
    name: "a deleted folder whose name is used again",
    begin: smallMailbox,
    change(world) {
      world.mail.deleteFolder("Archive");
      world.mail.createFolder("Archive");
      deliver(world, "Archive", ["b3"]);
    },
  },
  {
    name: "a renamed folder whose name is used again",
    begin: smallMailbox,
    change(world) {
      world.mail.renameFolder("Archive", "Archive 2026");
      world.mail.createFolder("Archive");
      deliver(world, "Archive", ["b3"]);
    },
  },
  {
    name: "a deleted folder whose name another folder takes",
    begin(world) {
      smallMailbox(world);
      world.mail.createFolder("Work");
      deliver(world, "Work", ["w1", "w2"]);
    },
    change(world) {
      world.mail.deleteFolder("Archive");
      world.mail.renameFolder("Work", "Archive");
    },
  },
  {
    name: "a folder that is away for an hour",
    begin: smallMailbox,
    change(world) {
      world.mail.renameFolder("Archive", "Junk Archive");
      world.later(90 * minute, () => world.mail.renameFolder("Junk Archive", "Archive"));
    },
  },
  {
    name: "UIDs dealt again under the same UIDVALIDITY, the newest known one deleted",
    begin(world) {
      smallMailbox(world);
      deliver(world, "INBOX", ["a4", "a5", "a6"]);
    },
    change(world) {
      world.mail.restore("INBOX", 4);
      deliver(world, "INBOX", ["r4", "r5", "r6", "r7"]);
      world.mail.expunge("INBOX", [6]);
    },
  },
];
