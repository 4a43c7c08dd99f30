import type { CrashWorld } from "./crash-world.ts";
import type { Scenario } from "./run-scenario.ts";
import { deliver, large, minute } from "./small-mailbox.ts";

/** As Dovecot names them by default, `%08Xu%08Xv`: no numbers, so they are dealt some. */
const dealt = (uid: number): string => `${uid.toString(16).padStart(8, "0")}6a1b2c3d`;

const ways = [
  { of: "by number", uidlOf: String },
  { of: "by name", uidlOf: dealt },
] as const;

/** What neither the count nor the ends of a list show is found by the comparison of the whole, which is once a day otherwise. */
export const hourly = { recentMs: 10 * minute, wholeMs: 60 * minute, recentUids: 500 };

/** More than is remembered of what is not wanted. */
const history = ["h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8", "h9", "h10", "h11", "h12"];

/** What happens to a mailbox that is read as a spool, whether its UIDLs are numbers or not. */
export const spoolScenarios: readonly Scenario[] = ways.flatMap(({ of, uidlOf }) => {
  const world = { protocol: "pop3", uidlOf } as const;
  const scenario = (name: string, rest: Omit<Scenario, "name">): Scenario => ({
    name: `a spool ${of}: ${name}`,
    ...rest,
    world: { ...world, ...rest.world },
  });
  return [
    scenario("first sync", {
      begin(to) {
        to.mail.createFolder("Archive");
        deliver(to, "Archive", ["b1"]);
        deliver(to, "INBOX", ["a1", "a2"], { size: large });
        to.mail.deliver("INBOX", to.message("attached", ["X-Attachment: hello"]));
        to.mail.deliver("INBOX", to.message("large", ["X-Attachment: hello"]), { size: 9 * 1024 * 1024 });
        to.mail.deliver("INBOX", to.message("huge"), { size: 300 * 1024 * 1024 });
        to.mail.deliver("INBOX", to.message("garbled", ["X-Unparseable: its parts never end"]));
      },
    }),
    scenario("new mail and removals", {
      begin(to) {
        deliver(to, "INBOX", ["a1", "a2", "a3", "a4", "a5"], { size: large });
        to.mail.deliver("INBOX", to.message("garbled", ["X-Unparseable: its parts never end"]));
      },
      change(to) {
        deliver(to, "INBOX", ["a7", "a8"]);
        to.mail.expunge("INBOX", [2]);
      },
    }),
    scenario("slices of history", {
      world: { settings: { slice: { messages: 2, bytes: 64e6, seconds: 20 } } },
      begin(to) {
        deliver(to, "INBOX", ["a1", "a2", "a3", "a4", "a5"]);
        to.mail.expunge("INBOX", [2]);
        to.later(1, () => deliver(to, "INBOX", ["a6"]));
      },
    }),
    scenario("withheld and late messages", {
      begin: (to) => deliver(to, "INBOX", ["a1", "a2", "a3"]),
      change(to) {
        deliver(to, "INBOX", ["a4", "late", "withheld", "corrupt", "a8"]);
        to.mail.hide("INBOX", 5, true);
        to.mail.withhold("INBOX", 6, true);
        to.mail.withhold("INBOX", 7, true);
        to.later(30 * minute, () => {
          to.mail.hide("INBOX", 5, false);
          to.mail.withhold("INBOX", 6, false);
        });
      },
    }),
    scenario("the newest message is corrupt, and more comes", {
      begin: (to) => deliver(to, "INBOX", ["a1", "a2", "a3"]),
      change(to) {
        to.mail.withhold("INBOX", 3, true);
        to.later(30 * minute, () => deliver(to, "INBOX", ["a4"]));
      },
    }),
    scenario("the newest is taken away, and another comes", {
      begin: (to) => deliver(to, "INBOX", ["a1", "a2", "a3", "a4", "a5"]),
      change(to) {
        to.mail.expunge("INBOX", [5]);
        to.later(30 * minute, () => deliver(to, "INBOX", ["a6"]));
      },
    }),
    scenario("all vanish, and others come", {
      begin: (to) => deliver(to, "INBOX", ["a1", "a2", "a3"]),
      change(to) {
        to.mail.expunge("INBOX", [1, 2, 3]);
        to.later(90 * minute, () => deliver(to, "INBOX", ["a4", "a5"]));
      },
    }),
    scenario("one list is short", {
      begin: (to) => deliver(to, "INBOX", ["a1", "a2", "a3", "a4"]),
      change: (to) => hideForOneSession(to, [2, 3, 4]),
    }),
    scenario("one list leaves out a message that is counted all the same", {
      isTimed: true,
      world: { countsHidden: true },
      begin: (to) => deliver(to, "INBOX", history),
      change(to) {
        to.mail.expunge("INBOX", [6]);
        hideForOneSession(to, [4]);
      },
    }),
    scenario("messages are away for hours", {
      begin: (to) => deliver(to, "INBOX", ["a1", "a2", "a3", "a4"]),
      change(to) {
        for (const uid of [1, 2, 3, 4]) to.mail.hide("INBOX", uid, true);
        to.later(4 * 60 * minute, () => {
          for (const uid of [1, 2, 3, 4]) to.mail.hide("INBOX", uid, false);
        });
      },
    }),
    scenario("one in the middle goes, and one that was hidden takes its place", {
      world: { settings: { compare: hourly } },
      begin(to) {
        deliver(to, "INBOX", ["a1", "a2", "a3", "a4", "a5"]);
        to.mail.hide("INBOX", 3, true);
      },
      change(to) {
        to.mail.expunge("INBOX", [2]);
        to.mail.hide("INBOX", 3, false);
        to.later(70 * minute, () => undefined);
      },
    }),
    scenario("a restore", {
      begin: (to) => deliver(to, "INBOX", ["a1", "a2", "a3", "a4"]),
      change: (to) => to.mail.restore("INBOX", 3),
    }),
    scenario("a restore, and its numbers are dealt again", {
      begin: (to) => deliver(to, "INBOX", ["a1", "a2", "a3", "a4", "a5", "a6"]),
      change(to) {
        to.mail.restore("INBOX", 4);
        deliver(to, "INBOX", ["r4", "r5"]);
      },
    }),
    scenario("a restore that new mail hides", {
      begin: (to) => deliver(to, "INBOX", ["a1", "a2", "a3", "a4"]),
      change(to) {
        to.mail.restore("INBOX", 3);
        deliver(to, "INBOX", ["r3", "r4", "r5"]);
      },
    }),
    scenario("a restore to nothing, and its numbers are dealt again", {
      begin: (to) => deliver(to, "INBOX", ["a1", "a2", "a3"]),
      change(to) {
        to.mail.restore("INBOX", 1);
        to.later(90 * minute, () => deliver(to, "INBOX", ["r1", "r2"]));
      },
    }),
    scenario("an empty one that is wanted from now on only", {
      world: { settings: { backfill: false } },
      begin: () => undefined,
      change: (to) => deliver(to, "INBOX", ["a1", "a2"]),
    }),
    scenario("new mail only, all of it taken away each time", {
      world: { settings: { backfill: false } },
      begin: (to) => deliver(to, "INBOX", ["h1", "h2", "h3"]),
      change(to) {
        deliver(to, "INBOX", ["a4"]);
        to.later(90 * minute, () => to.mail.expunge("INBOX", [4]));
        to.later(180 * minute, () => deliver(to, "INBOX", ["a5"]));
      },
    }),
    scenario("new mail only, and history is taken away from its newest end, piece by piece", {
      world: { settings: { backfill: false } },
      begin: (to) => deliver(to, "INBOX", history),
      change(to) {
        to.mail.expunge("INBOX", [6, 7, 8, 9, 10, 11, 12]);
        to.later(60 * minute, () => to.mail.expunge("INBOX", [5]));
        to.later(120 * minute, () => deliver(to, "INBOX", ["a13"]));
      },
    }),
    scenario("new mail only, the end of history is taken away, and its numbers are dealt again", {
      world: { settings: { backfill: false } },
      begin: (to) => deliverReceived(to, history, 24 * 60 * minute),
      change(to) {
        to.mail.expunge("INBOX", [6, 7, 8, 9, 10, 11, 12]);
        to.later(60 * minute, () => {
          to.mail.restore("INBOX", 5);
          deliverReceived(to, ["r5", "r6"]);
        });
      },
    }),
    scenario("new mail only, and its numbers are dealt again", {
      world: { settings: { backfill: false } },
      begin: (to) => deliverReceived(to, ["h1", "h2", "h3"], 24 * 60 * minute),
      change(to) {
        deliverReceived(to, ["a4", "a5"]);
        to.later(90 * minute, () => {
          to.mail.restore("INBOX", 3);
          deliverReceived(to, ["r3", "r4"]);
        });
      },
    }),
  ];
});

/** The next session's list is without them, the one's after that has them: changes come between two sessions. */
function hideForOneSession(world: CrashWorld, uids: readonly number[]): void {
  world.later(0, () => {
    for (const uid of uids) world.mail.hide("INBOX", uid, true);
    world.later(1, () => {
      for (const uid of uids) world.mail.hide("INBOX", uid, false);
    });
  });
}

/** With the line that the mailbox's own server writes. */
function deliverReceived(world: CrashWorld, names: readonly string[], agoMs = 0): void {
  for (const name of names) {
    const at = new Date(world.clock.now() - agoMs).toUTCString();
    world.mail.deliver("INBOX", world.message(name, [`Received: from there by here; ${at}`]));
  }
}
