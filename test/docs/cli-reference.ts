import { addAllVerbs } from "../../apps/cli/src/all-verbs.ts";
import { failureOf, verbName, verbsOf } from "../../apps/cli/src/exit-codes.ts";
import { createProgram } from "../../apps/cli/src/program.ts";
import { createTerminal } from "../../apps/cli/src/terminal.ts";
import { cliExamples } from "./cli-examples.ts";
import { code, markdownTable, slug } from "./markdown.ts";

type Command = ReturnType<typeof createProgram>;
type Argument = Command["registeredArguments"][number];
type Option = Command["options"][number];

/** The command line as it is, whose verbs do nothing. */
export function commandTree(): Command {
  const { stdout, stderr } = process;
  const terminal = createTerminal({ stdout, stderr, env: {}, color: "never", progress: "none" });
  return createProgram(
    () => () => Promise.resolve(),
    terminal,
    addAllVerbs,
    () => undefined,
  );
}

/** `docs/cli.md`, whole, from the commands themselves. */
export function cliReference(): string {
  const program = commandTree();
  const verbs = verbsOf(program).filter((verb) => !isBenchmark(verb));
  const benchmarks = verbsOf(program).filter(isBenchmark);
  // It has none of its own; what all have is told once.
  const common = verbs.find((verb) => verbName(verb) === "status")?.options ?? [];
  const overview = verbs.map((verb) => [`[${verbName(verb)}](#${slug(verbName(verb))})`, verb.description()]);
  return [
    head,
    `${markdownTable(["verb", "does"], overview)}\n`,
    `## Flags of every verb\n\n${markdownTable(["flag", "is", "default"], common.map(optionRow))}\n`,
    ...verbs.map((verb) => section(verb, new Set(common.map(({ flags }) => flags)))),
    bench(benchmarks),
  ].join("\n");
}

const head = `# Command line

Every verb and every flag. This page is made from the commands; a test keeps both equal, and runs the examples. In a checkout it is \`npx mailfleet VERB\`, in the image
\`mailfleet VERB\`. What the verbs are good for: [commands.md](commands.md).

Without \`--config\` a verb is about the sandbox that runs in this folder, else about \`mailfleet.yaml\` in it.

- **stdout** is the answer, **stderr** is progress, hints, warnings and errors. With \`--json\` stdout is one JSON document, also when the command fails
  (\`{"ok":false,"error":{"code","what","next","do"}}\`); \`tail\` prints an object a line. Role verbs (\`producer\`, \`worker\`, \`console\`) write JSON logs to stdout.
- **Exit codes**: 0 done. 1 something failed, or was found wrong; what that is stands with each verb. 2 wrong usage or configuration, and nothing was done.
  130 stopped at once, by a second Ctrl-C.
- **In a pipe** tables are tab-separated with a header, whole values and UTC; what \`plan\` and \`prove\` say besides is on stderr then, and hints are left out.
  \`CI\`, \`TERM=dumb\` and \`ACCESSIBLE=1\` ask for plain lines in place of what is redrawn; \`NO_COLOR\` and \`FORCE_COLOR\` are kept.
`;

function isBenchmark(verb: Command): boolean {
  return verbName(verb).startsWith("bench ");
}

function section(verb: Command, everywhere: ReadonlySet<string>): string {
  const name = verbName(verb);
  const own = verb.options.filter(({ flags }) => !everywhere.has(flags));
  const takes = verb.registeredArguments.map(argumentWords).join(" ");
  const usage = `npx mailfleet ${name}${takes === "" ? "" : ` ${takes}`}${verb.options.length === 0 ? "" : " [flags]"}`;
  const example = cliExamples[name];
  const told = [
    ...verb.registeredArguments
      .filter(({ description }) => description !== "")
      .map((one) => [code(argumentWords(one)), one.description, ""]),
    ...own.map(optionRow),
  ];
  return [
    `## ${name}`,
    sentence(verb.description()),
    "```\n" + usage + (example === undefined ? "" : `\n\nnpx mailfleet ${example.args}`) + "\n```",
    ...(told.length === 0 ? [] : [markdownTable(["argument or flag", "is", "default"], told)]),
    `Exit code 1: ${failureOf[name] ?? "it failed"}.`,
  ]
    .join("\n\n")
    .concat("\n");
}

function bench(benchmarks: readonly Command[]): string {
  const rows = benchmarks.map((verb) => [code(`bench ${verb.name()}`), verb.description()]);
  return `## bench\n\nBenchmarks, each a program with flags of its own (\`--help\`); the last line on stdout is one JSON object. What they found: [performance.md](performance.md).\n\n${markdownTable(["verb", "measures"], rows)}\n`;
}

function optionRow({ flags, description, defaultValue, argChoices, mandatory }: Option): string[] {
  const choices = argChoices === undefined ? "" : `: ${argChoices.join(", ")}`;
  // `--no-console` is told by itself; an empty list is no value that anybody would write.
  const isPlain = (typeof defaultValue === "string" || typeof defaultValue === "number") && defaultValue !== "";
  return [code(flags), `${description}${choices}${mandatory ? " (needed)" : ""}`, isPlain ? code(String(defaultValue)) : ""];
}

function argumentWords(argument: Argument): string {
  const shown = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${shown}>` : `[${shown}]`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
