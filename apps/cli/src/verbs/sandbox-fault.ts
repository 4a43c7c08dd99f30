import type { Command } from "commander";
import { formatCounted, formatDuration, shellWord } from "@mailfleet/core";
import { systemClock } from "@mailfleet/runtime";
import {
  faultCatalogue,
  type FaultOrder,
  faultPlace,
  type FaultSpec,
  type ListedFault,
  readOrder,
  readOrderText,
} from "@mailfleet/sandbox/faults";
import type { Bind, Cli, CommonOptions } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import { givenOptions, withCommonOptions } from "../common-options.ts";
import { activeLines, catalogueLines, faultExamples, faultLines } from "../fault-report.ts";
import { nearest } from "../nearest.ts";
import { findSandbox, orderError } from "../sandbox-control.ts";
import { wrapText } from "../text-layout.ts";

interface SteerOptions extends CommonOptions {
  readonly dataDir?: string;
}

interface AddOptions extends SteerOptions {
  readonly tenant?: string;
  readonly mailbox?: string;
  readonly folder?: string;
  readonly uid?: string;
  readonly protocol?: string;
  readonly after?: string;
  readonly for?: string;
  readonly fromFirst?: true;
  readonly times?: string;
  readonly chance?: string;
  readonly param?: readonly string[];
}

const verbs = ["list", "show", "add", "clear"] as const;

/** `sandbox fault`: what can go wrong, what does now, and how to begin and end it. */
export function addFaultVerb(sandbox: Command, bind: Bind): void {
  const fault = withCommonOptions(sandbox.command("fault"))
    .description("break something in the sandbox that runs here, and watch")
    .argument("[verb]", "list, show, add or clear")
    .addHelpText("before", faultExamples)
    .action(bind<CommonOptions>(showAll));
  withCommonOptions(fault.command("list"))
    .description("all faults there are")
    .addHelpText("before", faultExamples)
    .action(bind<CommonOptions>((cli) => showAll(cli)));
  withDir(fault.command("show"))
    .description("one fault with its parameters; without a name, what is ordered now")
    .argument("[name]", "the fault's name")
    .addHelpText("before", faultExamples)
    .action(bind<SteerOptions>(show));
  withDir(fault.command("add"))
    .description("begin one")
    .argument("<name>", "the fault's name, or NAME,key=value,key=value")
    .option("--tenant <alias>", "only at this tenant")
    .option("--mailbox <address>", "only at this mailbox")
    .option("--folder <name>", "only in this folder")
    .option("--uid <uid>", "only at this message: its UID, over POP3 its UIDL")
    .option("--protocol <protocol>", "imap or pop3: only over this one of the two")
    .option("--after <time>", "begins later, such as 30s")
    .option("--for <time>", "ends by itself, such as 5m (default: stays until it is taken back)")
    .option("--from-first", "--for counts from the first time that it strikes")
    .option("--times <count>", "ends when it struck that often")
    .option("--chance <share>", "strikes at that share of the occasions, such as 30%")
    .option("--param <key=value>", "a parameter of the fault, may be given several times", collect)
    .addHelpText("before", faultExamples)
    .action(bind<AddOptions>(add));
  withDir(fault.command("clear"))
    .description("end one by its number, all of a name, or all")
    .argument("[which]", "number or name (default: all)")
    .addHelpText("before", faultExamples)
    .action(bind<SteerOptions>(clear));
}

function withDir(command: Command): Command {
  return withCommonOptions(command).option("--data-dir <dir>", "the folder of the sandbox (default: the one that runs here)");
}

function showAll(cli: Cli, _options?: CommonOptions, args: readonly string[] = []): Promise<number> {
  const [verb] = args;
  if (verb !== undefined) {
    const [meant] = nearest(verb, verbs, 1);
    const what = `The verb ${verb} is not known${meant === undefined ? "." : `; did you mean ${meant}?`}`;
    throw new CliError(2, { code: "USAGE", what, next: "Nothing was started.", todo: ["npx mailfleet sandbox fault --help"] });
  }
  const { terminal } = cli;
  if (cli.isJson) cli.json({ schema: "mailfleet.fault-catalogue/1", faults: faultCatalogue });
  else if (!terminal.isOutTerminal) {
    const rows = Object.entries(faultCatalogue).map(([name, { side, says }]) => `${name}\t${side}\t${says}`);
    terminal.out(`${["Name\tSide\tWhat", ...rows].join("\n")}\n`);
  } else {
    const lines = catalogueLines(terminal.outWidth());
    terminal.out(`${lines.join("\n")}\n${faultExamples}\nParameters of one: npx mailfleet sandbox fault show NAME\n`);
  }
  return Promise.resolve(0);
}

async function show(cli: Cli, options: SteerOptions, [name]: readonly string[]): Promise<number> {
  if (name !== undefined) {
    const spec = specOf(name);
    if (cli.isJson) cli.json({ schema: "mailfleet.fault/1", name, ...spec });
    else cli.terminal.out(`${faultLines(name, spec, cli.terminal.outWidth()).join("\n")}\n`);
    return 0;
  }
  const { faults } = await findSandbox(cli, options).request("GET", "/faults");
  if (cli.isJson) cli.json({ schema: "mailfleet.faults/1", faults });
  else cli.terminal.out(`${activeLines(faults as readonly ListedFault[], systemClock.now()).join("\n")}\n`);
  return 0;
}

async function add(cli: Cli, options: AddOptions, [name = ""]: readonly string[]): Promise<number> {
  const { tenant, mailbox, folder, uid, protocol, after, for: lasting, fromFirst, times, chance, param = [] } = options;
  const all = Object.entries({ tenant, mailbox, folder, uid, protocol, after, for: lasting, fromFirst, times, chance });
  const given = all.filter(([, value]) => value !== undefined);
  // As `--fault` has it, for those who copy it from there.
  const isLine = name.includes(",");
  if (!isLine) specOf(name);
  const read = isLine
    ? readOrderText([name, ...given.map(([key, value]) => `${key}=${String(value)}`), ...param].join(","))
    : readOrder({ name, ...Object.fromEntries(given), params: readParams(param) });
  if ("problems" in read) throw orderError(`The fault ${name} cannot be like that:`, read.problems);
  const spec = specOf(read.order.name);
  const { ids } = await findSandbox(cli, options).request("POST", "/faults", read.order);
  const id = Array.isArray(ids) ? Number(ids[0]) : 0;
  if (cli.isJson) cli.json({ schema: "mailfleet.fault-order/1", id, order: read.order });
  else cli.terminal.out(`${addedLines(id, read.order, spec, cli, options).join("\n")}\n`);
  return 0;
}

function addedLines(id: number, order: FaultOrder, spec: FaultSpec, { terminal }: Cli, options: SteerOptions): string[] {
  const place = faultPlace(order);
  const begins = order.afterMs === undefined ? "from now" : `in ${formatDuration(order.afterMs)}`;
  const ends = order.forMs === undefined ? "until it is taken back" : `for ${formatDuration(order.forMs)}`;
  // Nothing would be seen for up to an hour, and that is right.
  const patience = spec.side === "token" ? " A client with a good token notices when that nears its end." : "";
  return [
    `${terminal.paint("done", terminal.marks.done, "out")} ${order.name} ${place === "everywhere" ? place : `at ${place}`}, ${begins}, ${ends}.`,
    ...wrapText(`${spec.says}${patience}`, terminal.outWidth(), 2).map((part) => `  ${part}`),
    `  Watch: npx mailfleet status${givenOptions(options)}     End it: npx mailfleet sandbox fault clear ${String(id)}${steerWords(options)}`,
  ];
}

/** Of the call, so that a printed command reaches the same sandbox. */
function steerWords(options: SteerOptions): string {
  return `${givenOptions(options)}${options.dataDir === undefined ? "" : ` --data-dir ${shellWord(options.dataDir)}`}`;
}

async function clear(cli: Cli, options: SteerOptions, [which]: readonly string[]): Promise<number> {
  const sandbox = findSandbox(cli, options);
  if (which !== undefined && /^[0-9]+$/.test(which)) {
    const { faults } = await sandbox.request("GET", "/faults");
    if (!(faults as readonly ListedFault[]).some(({ id }) => id === Number(which)))
      throw new CliError(1, {
        code: "NO_SUCH_FAULT",
        what: `No fault has the number ${which}: it ended, or was taken back.`,
        todo: [`What is ordered now: npx mailfleet sandbox fault show${steerWords(options)}`],
      });
  } else if (which !== undefined) specOf(which);
  const route = which === undefined ? "/faults" : /^[0-9]+$/.test(which) ? `/faults/${which}` : `/faults?name=${encodeURIComponent(which)}`;
  const { removed } = await sandbox.request("DELETE", route);
  if (cli.isJson) cli.json({ schema: "mailfleet.faults-cleared/1", removed });
  else if (removed === 0) cli.terminal.out("There was none to take back.\n");
  else
    cli.terminal.out(
      `${cli.terminal.paint("done", cli.terminal.marks.done, "out")} ${formatCounted(Number(removed), "fault")} taken back.\n`,
    );
  return 0;
}

function specOf(name: string): FaultSpec {
  if (Object.hasOwn(faultCatalogue, name)) return faultCatalogue[name as keyof typeof faultCatalogue];
  const [meant] = nearest(name, Object.keys(faultCatalogue), 1);
  throw new CliError(2, {
    code: "FAULT_UNKNOWN",
    what: `There is no fault ${name}${meant === undefined ? "." : `; did you mean ${meant}?`}`,
    next: "Nothing was changed.",
    todo: ["All there are: npx mailfleet sandbox fault list"],
  });
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Each is `key=value`; a key alone means true. */
function readParams(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf("=");
      return equals < 0 ? [text, "true"] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}
