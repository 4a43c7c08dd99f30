import { readFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import path from "node:path";
import type { Command } from "commander";
import type { Config } from "@mailfleet/config";
import {
  checkProof,
  formatCount,
  formatCounted,
  isSyncError,
  type MailboxRef,
  type MailboxStore,
  type Proof,
  proofSchema,
  stripControls,
  sumsOf,
  verdictOf,
} from "@mailfleet/core";
import { proveMailbox } from "@mailfleet/engine";
import { stopSignals, systemChance, systemClock, systemDigest } from "@mailfleet/runtime";
import { createMailboxStore } from "@mailfleet/store";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { withCommonOptions } from "../common-options.ts";
import { allMailboxes, findMailbox, requireTenant } from "../find-mailbox.ts";
import { programVersion } from "../program-version.ts";
import { createProgressLine, type ProgressLine } from "../progress-line.ts";
import { openProofFiles, type ProofFiles, sha256Hex } from "../proof-files.ts";
import { fleetReport, mailboxReport, pipedReport, proofJson, type ProvenOrNot, type ReportLine } from "../proof-report.ts";
import { openAccess, type TenantAccess } from "../tenant-access.ts";
import { locateConfig, openFleet, silentLog } from "../wire.ts";

const examples = `Examples:
  npx mailfleet prove support@contoso.com             is every message on the server accounted for?
  npx mailfleet prove --tenant contoso --repair       put back what is missing, then prove again
  npx mailfleet prove --verify proof.json             check a proof: its digest and its sums, offline
`;

/** Mailboxes that are looked at side by side: enough to hide round trips, far below what a server notices. */
const atOnce = 4;

export interface ProveOptions extends CommonOptions {
  readonly tenant?: string;
  readonly repair?: true;
  readonly full?: true;
  readonly verify?: string;
}

export function addProveVerb(program: Command, bind: Bind): void {
  withCommonOptions(program.command("prove"))
    .description("compare the server's UIDs with what was handed off: is anything missing? All mailboxes, unless one is named")
    .argument("[mailbox]", "its primary address")
    .option("--tenant <alias>", "all mailboxes of this tenant")
    .option("--repair", "put what is missing back, wait until it is handed off, prove again")
    .option("--full", "list every folder, also where its counts say that nothing moved since the last proof")
    .option("--verify <file>", "check a proof instead: its digest and its sums, without server and Redis")
    .addHelpText("before", examples)
    .action(bind<ProveOptions>(prove));
}

async function prove(cli: Cli, options: ProveOptions, [given]: readonly string[]): Promise<number> {
  if (options.verify !== undefined) return verify(cli, options.verify);
  const { config } = locateConfig(cli, options);
  if (options.tenant !== undefined) requireTenant(config, options.tenant, "Nothing was proven.");
  const one = given === undefined ? undefined : await findMailbox(config, given, options.tenant, "prove");
  const fleet = await openFleet(config);
  const access = await openAccess(config);
  const signals = stopSignals();
  const progress = createProgressLine(cli, "prove");
  const startedMs = systemClock.monotonic();
  try {
    const mailboxes = one ? [one] : allMailboxes(config, await fleet.registry.list(), options.tenant);
    const { redis, keys } = fleet;
    const store = createMailboxStore({ redis, keys, clock: systemClock, chance: systemChance, log: silentLog, worker: "prove" });
    const prover = new Prover(config, store, access, openProofFiles(config.dataDir), options.full === true);
    const all = await prover.proveAll(mailboxes, progress);
    progress.close();
    report(cli, all, systemClock.monotonic() - startedMs, one !== undefined);
    return all.every((proven) => "proof" in proven && proven.proof.verdict === "whole") ? 0 : 1;
  } finally {
    progress.close();
    signals.dispose();
    await access.close();
    fleet.close();
  }
}

/** Proves mailboxes and writes their proofs. */
class Prover {
  readonly #config: Config;
  readonly #store: MailboxStore;
  readonly #access: TenantAccess;
  readonly #files: ProofFiles;
  readonly #isFull: boolean;

  constructor(config: Config, store: MailboxStore, access: TenantAccess, files: ProofFiles, isFull: boolean) {
    this.#config = config;
    this.#store = store;
    this.#access = access;
    this.#files = files;
    this.#isFull = isFull;
  }

  async proveAll(mailboxes: readonly MailboxRef[], progress: ProgressLine): Promise<ProvenOrNot[]> {
    const results: ProvenOrNot[] = [];
    const queue = [...mailboxes.entries()];
    let done = 0;
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const [at, mailbox] = next;
        results[at] = await this.#proveOne(mailbox, (folder, all) =>
          progress.update(
            mailboxes.length === 1
              ? `${mailbox.address}: ${formatCount(folder)} of ${formatCounted(all, "folder")} compared`
              : `${formatCount(done)} of ${formatCounted(mailboxes.length, "mailbox", "mailboxes")} compared`,
          ),
        );
        done++;
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, mailboxes.length) }, work));
    return results;
  }

  async #proveOne(mailbox: MailboxRef, onFolder: (done: number, all: number) => void): Promise<ProvenOrNot> {
    const startedMs = systemClock.monotonic();
    const startedAt = new Date(systemClock.now()).toISOString();
    try {
      if (mailbox.protocol !== "imap") {
        return { mailbox, failure: { code: "PROTOCOL", what: "it is read over POP3, which this version does not do." } };
      }
      const earlier = this.#isFull ? undefined : await this.#files.latest(mailbox);
      const byPath = new Map(earlier?.folders.map((folder) => [folder.path, folder]));
      const ports = {
        clock: systemClock,
        digest: systemDigest,
        sha256: sha256Hex,
        tokens: this.#access.tokens,
        mail: this.#access.mail,
        store: this.#store,
      };
      const signal = new AbortController().signal;
      const request = { mailbox, rules: this.#config.sync.folders, earlier: (name: string) => byPath.get(name), onFolder };
      const found = await proveMailbox(ports, request, signal);
      const proof: Proof = {
        schema: proofSchema,
        program: { name: "mailfleet", version: programVersion() },
        by: { user: userName(), host: hostname() },
        fleet: this.#config.name,
        mailbox,
        startedAt,
        endedAt: new Date(systemClock.now()).toISOString(),
        commands: found.commands,
        verdict: verdictOf(found.folders),
        folders: found.folders,
        notMail: found.notMail,
        sums: sumsOf(found.folders),
      };
      const { unchanged, missingSince } = found;
      return {
        mailbox,
        proof,
        file: await this.#files.write(mailbox, proof),
        ms: systemClock.monotonic() - startedMs,
        unchanged,
        ...(missingSince !== undefined && { missingSince }),
      };
    } catch (error) {
      if (!isSyncError(error)) throw error;
      const { code, message, facts } = error.failure;
      return { mailbox, failure: { code, what: stripControls(facts.text === undefined ? message : `${message} "${facts.text}"`) } };
    }
  }
}

/** A machine without an entry for its user still proves. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "unknown";
  }
}

function report(cli: Cli, all: readonly ProvenOrNot[], ms: number, isOne: boolean): void {
  const { terminal } = cli;
  const now = systemClock.now();
  if (cli.isJson) return cli.json(proofJson(all, now));
  const style = { now, zone: terminal.isOutTerminal ? ("local" as const) : ("utc" as const), seconds: true };
  if (all.length === 0) {
    return terminal.out(
      "No mailboxes yet, so there is nothing to prove. npx mailfleet mailboxes import boxes.csv --tenant TENANT --dry-run\n",
    );
  }
  if (!terminal.isOutTerminal) terminal.out(`${pipedReport(all).join("\n")}\n`);
  const width = terminal.outWidth();
  const [first] = all;
  const lines = isOne && first ? mailboxReport(first, style, width) : fleetReport(all, style, width, ms);
  // A piped table is for programs; the sentences are for people, and stay where they see them.
  for (const one of terminal.isOutTerminal ? lines : lines.filter(({ mark }) => mark !== undefined)) say(cli, one, terminal.isOutTerminal);
  if (first && "proof" in first && terminal.isErrTerminal) {
    const file = isOne ? first.file : path.dirname(first.file);
    terminal.err(
      `Proof${isOne ? "" : "s"}: ${file}. Anyone checks ${isOne ? "it" : "one"} with: npx mailfleet prove --verify ${isOne ? first.file : "FILE"}\n`,
    );
  }
}

function say({ terminal }: Cli, { mark, text }: ReportLine, isAnswer: boolean): void {
  const stream = isAnswer ? "out" : "err";
  const painted = mark === undefined ? "" : `${terminal.paint(mark, terminal.marks[mark], stream)} `;
  terminal[stream](`${painted}${text}\n`);
}

async function verify(cli: Cli, file: string): Promise<number> {
  const text = await readFile(path.resolve(cli.cwd, file), "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new CliError(2, {
      code: "FILE",
      what: `${stripControls(file)} cannot be read: ${error.code === "ENOENT" ? "there is no such file" : (error.code ?? "unknown")}.`,
      next: "Nothing was checked.",
    });
  });
  const check = checkProof(text, sha256Hex);
  if (!check.ok) {
    throw new CliError(1, {
      code: "PROOF_WRONG",
      what: `${stripControls(file)} proves nothing: ${check.problems.join(" ")}`,
      next: "mailfleet goes on as before; only this file is not what was written.",
      todo: ["Make a new one: npx mailfleet prove MAILBOX"],
    });
  }
  const { proof } = check;
  const { mailbox, sums, startedAt, by, program, verdict } = proof;
  if (cli.isJson) {
    cli.json({ schema: "mailfleet.prove-verify/1", ok: verdict === "whole", file, mailbox, verdict, startedAt, by, program, sums });
  } else {
    const mark = verdict === "whole" ? "done" : "yours";
    say(
      cli,
      {
        text: `${stripControls(mailbox.address)} (${stripControls(mailbox.tenant)}), proven at ${startedAt} by ${stripControls(by.user)} on ${stripControls(by.host)}, mailfleet ${stripControls(program.version)}`,
      },
      true,
    );
    say(
      cli,
      {
        text: `  listed ${formatCount(sums.listed)} = handed off ${formatCount(sums.handedOff)} + excluded ${formatCount(sums.excluded)} + quarantined ${formatCount(sums.quarantined)} + to do ${formatCount(sums.toDo)}        unaccounted ${formatCount(sums.gaps + sums.hidden)}`,
      },
      true,
    );
    const words = {
      whole: "The file is as it was written, its sums hold, and nothing is missing.",
      gaps: `The file is as it was written, and says that ${formatCounted(sums.gaps, "message")} ${sums.gaps === 1 ? "is" : "are"} missing.`,
      unread: "The file is as it was written, and says that not everything could be looked at.",
    };
    say(cli, { mark, text: words[verdict] }, true);
  }
  return verdict === "whole" ? 0 : 1;
}
