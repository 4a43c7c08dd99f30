import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "@mailfleet/sandbox";
import { startCountingProxy } from "../counting-proxy.ts";
import { readFlags } from "../flags.ts";
import { drawBars } from "../kit/chart.ts";
import { publish } from "../kit/results.ts";
import { median, round } from "../kit/statistics.ts";
import { type ClientAnswer, type ClientOrder, type Contestant, idleContestants, runClient } from "./orders.ts";
import { measureFleet } from "./worker.ts";

const help = `What a poll costs in which nothing is new, over TLS, from the sandbox: client CPU of imapflow's connect, STATUS and LOGOUT, of mailfleet's look
at the same folder and at all folders, and of mailfleet's whole session, each in a process of its own and in turns; and what producer,
worker and Redis use of a whole fleet's idle polls. Round trips and bytes are counted by a proxy between the two.

  npx mailfleet bench poll
  npx mailfleet bench poll --runs 5 --polls 1000

  --mailboxes N  (default 50)
  --polls N      of each contestant in each run (default 500)
  --runs N       medians are of these (default 5)
  --seconds N    of the fleet's polls (default 30)
  --json         nothing but the result on stdout
`;

const given = readFlags("poll", help, {
  numbers: {
    mailboxes: { default: 50, min: 1, max: 1_000 },
    polls: { default: 500, min: 10, max: 100_000 },
    runs: { default: 5, min: 1, max: 100 },
    seconds: { default: 30, min: 5, max: 3_600 },
  },
});
const { mailboxes, polls, runs, seconds } = given.numbers;
const say = (line: string): void => void (given.json || process.stderr.write(`${line}\n`));

const messagesEach = 100;
const warmUp = 100;
/** Polls whose traffic is counted; the proxy would cost time. */
const countedPolls = 20;
/** What an idle fleet is polled at; folders are listed with the same share of the polls at any interval of up to five minutes. */
const pollSeconds = 2;
const mostRoundTrips = 6;
const wantedCpuMs = 1.5;

interface Row {
  readonly name: string;
  readonly contestant: Contestant;
  readonly folders: readonly string[];
}

const dir = await mkdtemp(join(tmpdir(), "mailfleet-poll-"));
const sandbox = await startSandbox({
  dataDir: join(dir, "sandbox"),
  tenants: [{ alias: "contoso", mailboxes, messages: mailboxes * messagesEach }],
  trickle: 0,
  faults: false,
});
try {
  const ca = await readFile(sandbox.caFile, "utf8");
  const token = await tokenOf(sandbox, ca);
  const addresses = sandbox.tenants[0]?.addresses ?? [];
  const shared = foldersOfAll(sandbox, addresses);
  const rows: readonly Row[] = [
    { name: "imapflow: connect, STATUS INBOX, LOGOUT", contestant: idleContestants.imapflow, folders: ["INBOX"] },
    { name: "mailfleet: a look at INBOX", contestant: idleContestants.look, folders: ["INBOX"] },
    { name: "mailfleet: the same by TLS connections that share nothing", contestant: idleContestants.coldLook, folders: ["INBOX"] },
    { name: `mailfleet: a look at ${shared.length} folders`, contestant: idleContestants.look, folders: shared },
    { name: `mailfleet: a session, LIST and STATUS of ${shared.length} folders`, contestant: idleContestants.session, folders: shared },
  ];
  const orderOf = ({ contestant, folders }: Row, port: number): ClientOrder => ({
    ...{ contestant, port, ca, token, addresses, polls, warmUp },
    folders: folders.map((path) => ({ path })),
  });
  const answers = new Map<Row, ClientAnswer[]>(rows.map((row) => [row, []]));
  for (let run = 1; run <= runs; run++) {
    for (const row of rows) {
      const answer = await runClient(orderOf(row, sandbox.imap.port));
      answers.get(row)?.push(answer);
      say(`run ${run}: ${row.name}: ${answer.cpuMs.toFixed(2)} ms of CPU, ${answer.wallMs.toFixed(2)} ms`);
    }
  }
  const measured = [];
  for (const row of rows) {
    const all = answers.get(row) ?? [];
    const traffic = await countTraffic(orderOf(row, 0));
    measured.push({
      name: row.name,
      cpuMsPerPoll: round(median(all.map((one) => one.cpuMs))),
      cpuMsOfRuns: all.map((one) => round(one.cpuMs)),
      wallMs: round(median(all.map((one) => one.wallMs))),
      ...traffic,
    });
  }
  const fleet = await measureFleet(join(dir, "fleet"), sandbox, pollSeconds, seconds);
  const [imapflow, look] = measured;
  const figures = {
    cpuMsPerPoll: look?.cpuMsPerPoll ?? 0,
    roundTrips: look?.roundTrips ?? 0,
    bytes: look?.bytes ?? 0,
    ofImapflow: round((look?.cpuMsPerPoll ?? 0) / (imapflow?.cpuMsPerPoll ?? 1)),
    clients: measured,
    fleet,
  };
  for (const row of measured)
    say(`${row.name}: ${row.cpuMsPerPoll} ms of CPU, ${row.wallMs} ms, ${row.roundTrips} round trips, ${row.bytes} bytes`);
  say(
    `a fleet's idle poll (${fleet.polls} polls): worker ${fleet.workerCpuMs} ms of CPU, producer ${fleet.producerCpuMs}, Redis ${fleet.redisCpuMs}; ${fleet.roundTrips} round trips and ${fleet.bytes} bytes on average, lists included`,
  );
  const picture = drawBars({
    title: "Client CPU of a poll in which nothing is new",
    note: `over TLS, medians of ${runs} runs of ${polls} polls`,
    unit: "ms",
    bars: measured.map(({ name, cpuMsPerPoll, roundTrips }) => ({
      label: name.replace("mailfleet: ", ""),
      value: cpuMsPerPoll,
      text: `${cpuMsPerPoll.toFixed(2)} ms, ${roundTrips} trips`,
      isOwn: name.startsWith("mailfleet"),
    })),
    mark: { value: wantedCpuMs, label: `wanted of a look: ${wantedCpuMs} ms` },
  });
  await publish("poll", figures, picture);
  process.exitCode = measured.filter(({ name }) => name.includes("look")).every((row) => row.roundTrips <= mostRoundTrips) ? 0 : 1;
} finally {
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
}

/** TCP's own round trip is added: the proxy sees what is said after it. */
async function countTraffic(order: ClientOrder): Promise<{ readonly roundTrips: number; readonly bytes: number }> {
  const proxy = await startCountingProxy(sandbox.imap.port);
  try {
    // The first poll of a process knows nothing yet: neither a TLS session nor what the server offers.
    await runClient({ ...order, port: proxy.port, polls: 1, warmUp: 1 });
    const before = proxy.traffic();
    await runClient({ ...order, port: proxy.port, polls: countedPolls, warmUp: 2 });
    const after = proxy.traffic();
    await runClient({ ...order, port: proxy.port, polls: 1, warmUp: 1 });
    const short = proxy.traffic();
    const each = (of: "roundTrips" | "bytes"): number => {
      const total = (traffic: typeof before): number => (of === "bytes" ? traffic.received + traffic.sent : traffic.roundTrips);
      return (total(after) - total(before) - (total(short) - total(after))) / countedPolls;
    };
    return { roundTrips: round(each("roundTrips") + 1), bytes: Math.round(each("bytes")) };
  } finally {
    await proxy.close();
  }
}

/** Mail folders that every mailbox of the world has. */
function foldersOfAll({ truth }: Sandbox, addresses: readonly string[]): readonly string[] {
  const found = new Map<string, Set<string>>();
  for (const { address, folder, isMail } of truth()) if (isMail) found.set(folder, (found.get(folder) ?? new Set()).add(address));
  return [...found].filter(([, those]) => those.size === addresses.length).map(([folder]) => folder);
}

async function tokenOf({ tenants: [tenant], secretOf, authority }: Sandbox, ca: string): Promise<string> {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: tenant?.clientId ?? "",
    client_secret: secretOf("contoso"),
    scope: "https://outlook.office365.com/.default",
  });
  const text = await new Promise<string>((resolve, reject) => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const sent = request(`${authority}/${tenant?.tenantId ?? ""}/oauth2/v2.0/token`, { method: "POST", ca, headers }, (answer) => {
      let body = "";
      answer.on("data", (chunk: Buffer) => (body += chunk.toString()));
      answer.on("end", () => resolve(body));
    });
    sent.on("error", reject);
    sent.end(form.toString());
  });
  return (JSON.parse(text) as { access_token: string }).access_token;
}
