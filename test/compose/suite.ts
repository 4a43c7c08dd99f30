/** Files of test/e2e that run against a fleet of docker-compose.yml as well as against processes: they bring one up by `startFleet`. */
export const againstCompose = [
  "console-actions.e2e.test.ts",
  "console.e2e.test.ts",
  "metrics.e2e.test.ts",
  "operator-verbs.e2e.test.ts",
] as const;

/**
 * The others, and why they do not. In `console-actions` and `console` the page that breaks the sandbox is left out: a console shows it where
 * the tenants' servers are on its own machine.
 */
export const notAgainstCompose: Readonly<Record<string, string>> = {
  "built-programs.e2e.test.ts": "builds the programs itself; the containers have no others",
  "chaos.e2e.test.ts":
    "kills processes by their ids, ten times; crash-and-scale.compose.test.ts kills a worker and Redis in their containers",
  "dovecot-fleet.e2e.test.ts": "reads a Dovecot of the machine; crash-and-scale.compose.test.ts compares the sandbox's mail by hashes",
  "drain.e2e.test.ts": "freezes a Redis of its own for each test; crash-and-scale.compose.test.ts stops roles while Redis is frozen",
  "faults.e2e.test.ts": "is a benchmark, which starts its own fleet with ninety tenants",
  "full-disk.e2e.test.ts": "limits the files of a process; a container's disk is the engine's",
  "hostile-mail.e2e.test.ts": "is a benchmark, which measures the memory of its own processes",
  "lanes.e2e.test.ts": "is about workers with different settings; all workers of the compose file have the same",
  "oidc.e2e.test.ts": "signs in at a login service on loopback, which containers do not reach",
  "pop3-fleet.e2e.test.ts": "reads a Dovecot of the machine by POP3",
  "purge.e2e.test.ts":
    "dies at each effect of a purge, inside the process; operate.compose.test.ts purges by the command line and searches",
  "push.e2e.test.ts": "freezes one worker and counts its connections; the roles of the compose file are told nothing of push",
  "readme.e2e.test.ts": "is about a checkout and `npm start`",
  "redis-users.e2e.test.ts": "needs a Redis with users; the one of the compose file has no network and no password",
  "sandbox-fault.e2e.test.ts": "is about the sandbox's own command line",
  "secrets.e2e.test.ts": "has servers that echo secrets, and searches all that its processes wrote",
  "shards.e2e.test.ts": "needs more than one Redis",
  "spool-poll.e2e.test.ts": "is a benchmark of POP3 sessions",
  "start.e2e.test.ts": "is about what a process says while its Redis starts late, or is the wrong one",
  "up.e2e.test.ts": "is about `mailfleet up`, which the compose file does without",
};
