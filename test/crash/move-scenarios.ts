import type { CrashWorld } from "./crash-world.ts";
import type { Scenario } from "./run-scenario.ts";
import { deliver, minute } from "./small-mailbox.ts";
import { hourly } from "./spool-scenarios.ts";

/** As Dovecot names them by default: the numbers of IMAP are not to be seen. */
const byName = (uid: number): string => `${uid.toString(16).padStart(8, "0")}6a1b2c3d`;
/** Exchange, and one item from before 2007. */
const withLegacy = (uid: number): string => (uid === 5 ? "legacy-00000005" : String(uid));

/** Mail as it is: without a Message-ID, in several copies, with nothing in its header, and such as cannot be read. */
function oddMail(world: CrashWorld): void {
  world.mail.createFolder("Archive");
  deliver(world, "INBOX", ["a1", "a2"], { internalDate: 0 });
  deliver(world, "Archive", ["b1", "b2"], { internalDate: 0 });
  world.mail.deliver("INBOX", Buffer.from("Subject: no id\r\nDate: Thu, 1 Jan 2026 10:00:00 +0000\r\n\r\nNone.\r\n"), {
    flags: ["\\Seen"],
  });
  for (const _ of [1, 2, 3]) world.mail.deliver("INBOX", world.message("copy"), { internalDate: 0 });
  world.mail.deliver("INBOX", Buffer.from("X-Nothing: here\r\n\r\nBare.\r\n"));
  world.mail.deliver("INBOX", world.message("garbled", ["X-Unparseable: its parts never end"]));
}

/** Mailboxes whose protocol is another one in the configuration from some moment on. */
export const moveScenarios: readonly Scenario[] = [
  ...[
    { of: "UIDLs that are its UIDs", uidlOf: String },
    { of: "UIDLs of another kind", uidlOf: byName },
    { of: "UIDLs that are its UIDs but for one", uidlOf: withLegacy },
  ].flatMap(({ of, uidlOf }): Scenario[] => [
    {
      name: `a move to POP3, with ${of}`,
      world: { uidlOf },
      begin: oddMail,
      change(world) {
        world.mail.expunge("INBOX", [2]);
        deliver(world, "INBOX", ["a10"]);
        world.moveTo("pop3");
      },
    },
    {
      name: `a move to IMAP, with ${of}`,
      world: { uidlOf, protocol: "pop3" },
      begin: oddMail,
      change(world) {
        world.mail.expunge("INBOX", [2]);
        world.mail.setFlags("INBOX", 1, ["\\Seen"]);
        deliver(world, "INBOX", ["a10"]);
        world.moveTo("imap");
      },
    },
    {
      name: `a move to POP3 and back, with ${of}`,
      world: { uidlOf },
      begin: oddMail,
      change(world) {
        world.mail.expunge("INBOX", [4]);
        world.mail.deliver("INBOX", world.message("copy"), { internalDate: 0 });
        world.moveTo("pop3");
        world.later(60 * minute, () => {
          deliver(world, "INBOX", ["b1x"]);
          deliver(world, "Archive", ["b3"]);
          world.mail.expunge("Archive", [1]);
        });
        world.later(120 * minute, () => {
          world.mail.setFlags("INBOX", 2, ["\\Flagged"]);
          world.moveTo("imap");
        });
      },
    },
  ]),
  {
    name: "a move to POP3 in the middle of history, and back before it ends",
    isTimed: true,
    world: { settings: { slice: { messages: 2, bytes: 64e6, seconds: 20 } } },
    begin: (world) => {
      world.mail.createFolder("Archive");
      deliver(world, "INBOX", ["a1", "a2", "a3", "a4", "a5", "a6"], { internalDate: 0 });
      deliver(world, "Archive", ["b1", "b2", "b3"], { internalDate: 0 });
      world.later(1, () => world.moveTo("pop3"));
      world.later(60_000, () => world.moveTo("imap"));
    },
  },
  {
    name: "a spool by number in which one appears that is no number",
    world: { protocol: "pop3", uidlOf: withLegacy },
    begin: (world) => deliver(world, "INBOX", ["a1", "a2", "a3", "a4"]),
    change: (world) => deliver(world, "INBOX", ["legacy", "a6"]),
  },
  {
    name: "a spool by number in whose middle one appears that is no number, in place of another",
    world: { protocol: "pop3", uidlOf: withLegacy, settings: { compare: hourly } },
    begin(world) {
      deliver(world, "INBOX", ["a1", "a2", "a3", "a4", "a5", "legacy", "a7"]);
      world.mail.hide("INBOX", 6, true);
    },
    change(world) {
      world.mail.expunge("INBOX", [2]);
      world.mail.hide("INBOX", 6, false);
      world.later(70 * minute, () => undefined);
    },
  },
  {
    name: "a spool by number that loses some when one appears that is no number, without backfill",
    world: { protocol: "pop3", uidlOf: withLegacy, settings: { backfill: false } },
    begin: (world) =>
      deliver(
        world,
        "INBOX",
        ["h1", "h2", "h3"].map((name) => name),
      ),
    change(world) {
      deliver(world, "INBOX", ["a4"]);
      world.later(30 * minute, () => {
        world.mail.expunge("INBOX", [2]);
        deliver(world, "INBOX", ["legacy", "a6"]);
      });
    },
  },
];
