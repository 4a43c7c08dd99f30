/** One row of section 4 of the threat model: a fault, what must come of it, and what shows that it does. */
export interface FaultRow {
  readonly id: string;
  readonly fault: string;
  /** Longest time until the cause is named in status, metric or log, in seconds; absent where the model gives none. */
  readonly detectS?: number;
  /** Longest time from the end of the fault to normal work, in seconds. */
  readonly recoverS?: number;
  /** File, and the test's name in it: both must exist. */
  readonly proof: readonly (readonly [file: string, name: string])[];
  /** What the proof leaves out, and whose business that is. */
  readonly rest?: string;
}

const redis = "test/faults/redis.fault.test.ts";
const network = "test/faults/network.fault.test.ts";
const fleet = "test/faults/fleet.fault.test.ts";
const slow = "test/faults/slow.fault.test.ts";
const halfWay = "test/service/hand-off-half-way.redis.test.ts";
const handOff = "test/service/hand-off.redis.test.ts";
const held = "test/service/held-tenants.redis.test.ts";
const syncMailbox = "test/service/sync-mailbox.redis.test.ts";

export const faultTable: readonly FaultRow[] = [
  {
    id: "F01",
    fault: "worker kill -9",
    detectS: 30,
    recoverS: 90,
    proof: [
      [slow, "F01 a worker that is killed leaves its mailbox to another one"],
      [
        "test/e2e/dovecot-fleet.e2e.test.ts",
        "two producers and two workers hand off every message once, though one worker is killed midway",
      ],
    ],
    rest: "hundreds of kills: `mailfleet bench chaos`",
  },
  {
    id: "F02",
    fault: "worker stopped longer than its lease, then woken",
    detectS: 40,
    recoverS: 1,
    proof: [[slow, "F02 a worker that was stopped for longer than its lease writes nothing once it wakes"]],
  },
  {
    id: "F03",
    fault: "event loop blocked",
    detectS: 1,
    proof: [
      [slow, "F03 a process whose event loop was blocked tries no commit, by the monotonic clock"],
      ["packages/store/src/store.redis.test.ts", "is not held any more as soon as it is asked after a stall, before any timer could fire"],
    ],
    rest: "blocked for 21 s instead of 60 s: the limit is 20 s",
  },
  {
    id: "F04",
    fault: "answer to a commit lost, commit applied, sent again",
    detectS: 1,
    recoverS: 5,
    proof: [
      [network, "F04 answers that are lost, and requests that are cut anywhere, hand nothing off twice"],
      [network, "F04 a whole sync of which every answer is lost hands off every message once"],
      [halfWay, "that is sent again after it was applied is recognised as done, also when somebody else works on the mailbox by now"],
      [
        "packages/store/src/store.redis.test.ts",
        "is given again to the one whose answer was lost and who asks once more with the same words",
      ],
    ],
  },
  {
    id: "F05",
    fault: "producer dies between taking and adding",
    recoverS: 75,
    proof: [
      [slow, "F05 mailboxes that a killed producer had taken are due again within a minute"],
      ["packages/store/src/store.redis.test.ts", "gives each due mailbox to exactly one of two producers, and none again before its time"],
    ],
    rest: "300 mailboxes; 10,000 is not run",
  },
  {
    id: "F06",
    fault: "Redis kill -9 and restart from its AOF",
    detectS: 5,
    recoverS: 20,
    proof: [[redis, "F06 a Redis that is killed again and again, and starts from its AOF, loses nothing"]],
    rest: "up to 8 restarts instead of 200",
  },
  {
    id: "F07",
    fault: "power loss: the AOF ends anywhere",
    proof: [[redis, "F07 an AOF that ends at any byte holds whole commits only, and what is missing is handed off again"]],
    rest: "16 places instead of 200; FAULT_CUTS=200 for all",
  },
  {
    id: "F08",
    fault: "Redis frozen, TCP still acknowledges",
    detectS: 35,
    recoverS: 15,
    proof: [[slow, "F08 a Redis that is frozen is noticed by its silence, and work goes on once it thaws"]],
    rest: "frozen until it is noticed, instead of 90 s",
  },
  {
    id: "F09",
    fault: "failover loses the last commits",
    recoverS: 60,
    proof: [[network, "F09 a failover that loses the last commits makes the session read again, and nothing is missing"]],
  },
  {
    id: "F10",
    fault: "failover deals the same fencing number again",
    proof: [[network, "F10 a number that is dealt twice does not let the first holder write"]],
  },
  {
    id: "F11",
    fault: "split brain, old primary becomes a replica",
    recoverS: 60,
    proof: [[network, "F11 a primary that has become a replica is left for the new one, and one without replicas takes nothing"]],
  },
  {
    id: "F12",
    fault: "SCRIPT FLUSH, CLIENT KILL storms",
    proof: [
      [redis, "F12 scripts that are forgotten and connections that are killed ten times a second change no result"],
      [handOff, "that forgot all scripts between two commits loses neither"],
    ],
  },
  {
    id: "F13",
    fault: "maxmemory reached, lowered and raised",
    detectS: 10,
    recoverS: 35,
    proof: [
      [fleet, "F13 a full Redis refuses commits whole, says so, and work goes on when there is room"],
      [halfWay, "goes through where Redis is full, so that it is told why the mailbox waits"],
    ],
  },
  {
    id: "F14",
    fault: "script stops half-way: wrong type, missing right",
    proof: [
      [halfWay, "to run %s is written whole or not at all"],
      [halfWay, "where a number or a job is expected, %s, is named and nothing is written"],
      [halfWay, "makes the settlement write nothing at all when it is of another type: the %s key"],
      [handOff, "writes nothing at all when something of another type stands at the %s key"],
      [syncMailbox, "a checkpoint that cannot be read begins that folder again, and no other"],
    ],
    rest: "rights are asked from Redis 7 on; Redis 6.2 has no way to ask",
  },
  {
    id: "F15",
    fault: "noeviction or AOF switched off while running",
    detectS: 60,
    recoverS: 60,
    proof: [[fleet, "F15 a Redis that may lose what it is given takes nothing in until it is set up again"]],
  },
  {
    id: "F16",
    fault: "disk full under Redis or under blobs",
    detectS: 10,
    recoverS: 35,
    proof: [
      [fleet, "F16 a Redis whose disk is full takes nothing, says so, and work goes on when there is room"],
      [
        "test/e2e/full-disk.e2e.test.ts",
        "a blob store that cannot grow commits nothing and says why; with room again everything is handed off once",
      ],
      ["packages/core/src/words/process-troubles.test.ts", "%s is low: %d of %d bytes left"],
    ],
    rest: "by a limit on the size of files, which fails as a full disk does, so that it runs without a file system of its own",
  },
  {
    id: "F17",
    fault: "EMFILE, ENFILE",
    proof: [[fleet, "F17 a worker without file descriptors backs off, parks nobody, and finishes"]],
    rest: "56 files and 40 mailboxes instead of 128 and 500",
  },
  {
    id: "F18",
    fault: "blob store slow or gone",
    recoverS: 30,
    proof: [
      [redis, "F18 a blob store that is slow makes it slower; one that is gone lets nothing be handed off"],
      [redis, "F18 a bucket that refuses lets nothing be handed off; one that is overloaded and cut loses and doubles nothing"],
    ],
    rest: "1.5 s a write instead of 5 s: nothing waits for a number in between",
  },
  {
    id: "F19",
    fault: "server silent in a literal; half-open TCP",
    detectS: 65,
    proof: [
      ["packages/imap/src/imap-fetch.transcript.test.ts", "silence inside a literal ends the session after the limit"],
      ["packages/imap/src/imap-fetch.transcript.test.ts", "lines that answer nothing are silence, however many"],
    ],
  },
  {
    id: "F20",
    fault: "reset at byte n",
    proof: [[network, "F20 a session that is reset at any byte leaves no partial blob behind that anything refers to"]],
    rest: "every 24 KB of a mailbox instead of every 1 KB of a message",
  },
  {
    id: "F21",
    fault: "token ends in the session",
    recoverS: 5,
    proof: [
      [
        "test/service/push-expiry.redis.test.ts",
        "sessions that end with their tokens are replaced; nothing is missed, blamed or logged as trouble (F21)",
      ],
    ],
  },
  {
    id: "F22",
    fault: "token endpoint down",
    recoverS: 60,
    proof: [
      [held, "F22 a token service that is down makes the tenant wait, asked by one caller, and everything goes on when it is back"],
      [
        "test/service/token-fleet.redis.test.ts",
        "8 processes with 10,000 mailboxes ask once for each token, and an outage of more than half of a token's life reaches no mailbox",
      ],
    ],
    rest: "8 workers and some seconds instead of 2 h; in the second test time goes by ten times faster",
  },
  {
    id: "F23",
    fault: "DNS does not answer; shared thread pool",
    detectS: 5,
    proof: [
      [
        "packages/runtime/src/bounded-look-up.test.ts",
        "gives up after its limit though the system never answers, and the same name holds one thread only",
      ],
      ["packages/runtime/src/bounded-look-up.test.ts", "never asks about more names at once than it may, and goes on when one is answered"],
    ],
    rest: "look-ups of the mail host, in place of the system's by a clock of the test's own; a fleet without name server is not run",
  },
  {
    id: "F24",
    fault: "certificate rotated or expired",
    proof: [
      [
        "packages/entra/src/tenant-book.test.ts",
        "with certificate authorities serves login and mail host; a bundle cut in the middle does not",
      ],
      ["packages/entra/src/tenant-book.test.ts", "as one half of a pair is used with the other half only"],
    ],
    rest: "files of tenants; those of Redis are read at the start",
  },
  {
    id: "F25",
    fault: "clock of one worker 10 min off",
    proof: [
      [redis, "F25 two workers whose clocks are 20 minutes apart never hold one mailbox together, and due times are Redis' own"],
      ["packages/core/src/words/process-troubles.test.ts", "what is wrong with the machine is said, with what to do; what is not is not"],
      ["test/service/doctor.redis.test.ts", "names the wrong step of: $name"],
    ],
  },
  {
    id: "F26",
    fault: "SIGTERM, also twice",
    recoverS: 25,
    proof: [
      ["test/e2e/drain.e2e.test.ts", "roles that are asked to stop while Redis is %s end in time, and say so"],
      ["test/e2e/dovecot-fleet.e2e.test.ts", "each role stops within ten seconds of being asked, and says so"],
      ["test/e2e/up.e2e.test.ts", "shows new mail within seconds, stops within ten seconds of Ctrl-C, and goes on where it was"],
    ],
    rest: "as PID 1: the image's own test",
  },
  {
    id: "F27",
    fault: "parent of `up` killed, its Redis lives on",
    proof: [
      [slow, "F27 twenty starts after kill -9 of the parent find one Redis and everything in it"],
      ["test/e2e/up.e2e.test.ts", "leaves no process behind when it is killed, and the next start takes over its Redis"],
    ],
  },
  {
    id: "F28",
    fault: "consumer away",
    detectS: 10,
    recoverS: 10,
    proof: [
      [fleet, "F28 without a consumer intake stops at the mark; with one everything is delivered, new mail first"],
      [fleet, "T46 consumers that fail everything stop intake, and lose nothing"],
    ],
    rest: "1,800 messages and a mark of 300 instead of 100,000 and 50,000",
  },
  {
    id: "F29",
    fault: "everything due at once after an outage",
    proof: [
      [
        "packages/store/src/breakers.redis.test.ts",
        "F29 10,000 mailboxes that are due at once after an outage log in at two a second, oldest first, new mail long before history",
      ],
    ],
    rest: "10,000 mailboxes on a real Redis, whose clock is moved, and workers that are done at once",
  },
  {
    id: "F30",
    fault: "throttle hint",
    detectS: 1,
    proof: [
      [held, "F30 a wait hint keeps all of eight workers off the mailbox until its end, and nobody else"],
      ["packages/store/src/signals.redis.test.ts", "reaches all sessions of the mailbox in eight workers at once, and nobody else's"],
    ],
    rest: "a hint of 6 s instead of 60 s",
  },
  {
    id: "F31",
    fault: "UIDVALIDITY changed",
    proof: [
      ["test/service/resync.redis.test.ts", "is told once, and each known message gets its new key without being fetched again"],
      ["test/service/sync-faults.redis.test.ts", "whose STATUS and EXAMINE disagree is left out of the session, not asked without end"],
    ],
  },
  {
    id: "F32",
    fault: "same UIDVALIDITY, UIDs dealt again",
    proof: [
      ["test/service/resync.redis.test.ts", "to a lower UIDNEXT begins a new generation; what is back is known, what is gone is told"],
      [
        "test/service/resync.redis.test.ts",
        "and got new mail under UIDs that were dealt before hands all of it off, though UIDVALIDITY stayed and UIDNEXT rose",
      ],
    ],
  },
  {
    id: "F33",
    fault: "messages or folders vanish during FETCH",
    proof: [["test/service/sync-faults.redis.test.ts", "a message that vanished between listing and fetch leaves the ledger"]],
  },
  {
    id: "F34",
    fault: "parser thread dies or hangs",
    proof: [
      ["packages/mime/src/mime-parser.test.ts", "a message that is not done in time is given up, its neighbours in the task are not"],
      ["packages/mime/src/mime-parser.test.ts", "a message that ends its thread twice is given up, its neighbours in the task are not"],
    ],
  },
  {
    id: "F35",
    fault: "mailbox or tenant removed or parked while syncing",
    proof: [
      ["packages/store/src/store.redis.test.ts", "is refused for a mailbox that is not registered, which is then due no more"],
      ["test/service/mailbox-desk.redis.test.ts", "a second park and resume in the middle of a session lets the old session write nothing"],
      ["test/service/mailbox-desk.redis.test.ts", "and registered again in the middle of a session: the old session writes nothing"],
    ],
    rest: "between two commits of a session, not at each of its steps",
  },
  {
    id: "F36",
    fault: "mixed versions, downgrade",
    proof: [
      [
        "test/service/mixed-versions.redis.test.ts",
        "a mailbox that a newer version worked on is left untouched, said so, and owes its history still",
      ],
      [
        "test/service/mixed-versions.redis.test.ts",
        "a mailbox that the older version left goes on with the newer one as if nothing had been",
      ],
    ],
  },
  {
    id: "F37",
    fault: "Redis restored from an hour-old copy",
    proof: [[redis, "F37 a Redis that is restored from an older copy offers the same keys again and skips nothing"]],
    rest: "`prove` after it is `prove`'s own test",
  },
  {
    id: "F38",
    fault: "a stall that nobody reports",
    detectS: 45,
    proof: [
      [slow, "F38 a producer that stands still is missed by status though its process lives"],
      ["packages/core/src/words/states.test.ts", "a mailbox with a cause is never fresh, though its promised time went by"],
    ],
    rest: "as a metric and in the health check: issue 7",
  },
];
