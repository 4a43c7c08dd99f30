import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { allMailboxes, isProven, openAccess, openStore, Prover, type ProvenOrNot, type ReportLine, sha256Hex } from "@mailfleet/checks";
import { checkProof, formatCount, formatCounted, shellWord, stripControls, syncError } from "@mailfleet/core";
import { stopSignals, systemClock } from "@mailfleet/runtime";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { withCommonOptions } from "../common-options.ts";
import { findMailbox, requireTenant } from "../find-mailbox.ts";
import { createProgressLine } from "../progress-line.ts";
import { programVersion } from "../program-version.ts";
import { fleetReport, mailboxReport, pipedReport, proofJson } from "../proof-report.ts";
import { repairAll } from "../repair-proven.ts";
import { callOptions, locateConfig, openFleet } from "../wire.ts";

const examples = `Examples:
  npx mailfleet prove support@contoso.com             is every message on the server accounted for?
  npx mailfleet prove --tenant contoso --repair       put back what is missing, then prove again
  npx mailfleet prove --verify proof.json             check a proof: its digest and its sums, offline
`;

interface ProveOptions extends CommonOptions {
  readonly tenant?: string;
  readonly repair?: true;
  readonly full?: true;
  readonly verify?: string;
}

export function addProveVerb(program: Command, bind: Bind): void {
  withCommonOptions(program.command("prove"))
    .description(
      "compare the server's UIDs (over POP3 its UIDLs) with what was handed off: is anything missing? All mailboxes, unless one is named",
    )
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
  const access = await openAccess(config, cli.env);
  const signals = stopSignals();
  const stop = new AbortController();
  void signals.asked.then(() =>
    stop.abort(syncError("INTERRUPTED", "Stopped. What was proven so far is written; nothing else was changed.", { layer: "engine" })),
  );
  const progress = createProgressLine(cli, "prove");
  const startedMs = systemClock.monotonic();
  try {
    const mailboxes = one ? [one] : allMailboxes(config, await fleet.registry.list(), options.tenant);
    const prover = new Prover({
      config,
      store: openStore(fleet),
      access,
      isFull: options.full === true,
      version: programVersion(),
      signal: stop.signal,
    });
    const found = await prover.proveAll(mailboxes, progress);
    const all = options.repair ? await repairAll(fleet, prover, found, progress, stop.signal) : found;
    progress.close();
    report(cli, all, systemClock.monotonic() - startedMs, one !== undefined, callOptions(cli.cwd, options).start);
    return all.every(isProven) ? 0 : 1;
  } finally {
    progress.close();
    signals.dispose();
    await access.close();
    fleet.close();
  }
}

function report(cli: Cli, all: readonly ProvenOrNot[], ms: number, isOne: boolean, options: string): void {
  const { terminal } = cli;
  const now = systemClock.now();
  if (cli.isJson) return cli.json(proofJson(all, now));
  const style = { now, zone: terminal.isOutTerminal ? ("local" as const) : ("utc" as const), seconds: true };
  if (all.length === 0) {
    return terminal.out(
      `No mailboxes yet, so there is nothing to prove. npx mailfleet mailboxes import boxes.csv --tenant TENANT --dry-run${options}\n`,
    );
  }
  if (!terminal.isOutTerminal) terminal.out(`${pipedReport(all).join("\n")}\n`);
  const width = terminal.outWidth();
  const [first] = all;
  const lines = isOne && first ? mailboxReport(first, style, width, options) : fleetReport(all, style, width, ms, options);
  // A piped table is for programs; the sentences are for people, and stay where they see them.
  for (const one of terminal.isOutTerminal ? lines : lines.filter(({ mark }) => mark !== undefined)) say(cli, one, terminal.isOutTerminal);
  const written = all.find((proven) => "proof" in proven);
  if (written === undefined) return;
  const file = belowCwd(cli.cwd, written.file);
  terminal.err(
    isOne
      ? `Proof: ${file}\nAnyone checks it with: npx mailfleet prove --verify ${shellWord(file)}\n`
      : `Proofs: ${path.dirname(file)}\nAnyone checks one with: npx mailfleet prove --verify FILE\n`,
  );
}

/** Short where the file lies below the current folder. */
function belowCwd(cwd: string, file: string): string {
  const relative = path.relative(cwd, file);
  return relative.startsWith("..") || path.isAbsolute(relative) ? file : relative;
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
      what: `${stripControls(file) || "A file without a name"} cannot be read: ${error.code === "ENOENT" ? "there is no such file" : (error.code ?? "unknown")}.`,
      next: "Nothing was checked.",
    });
  });
  const check = checkProof(text, sha256Hex);
  if (!check.ok) {
    throw new CliError(1, {
      code: "PROOF_WRONG",
      what: `${stripControls(file)} proves nothing: ${check.problems.join(" ")}`,
      next: "mailfleet goes on as before; only this file is not what was written.",
      todo: [{ say: "Make a new one", run: "prove MAILBOX" }],
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
