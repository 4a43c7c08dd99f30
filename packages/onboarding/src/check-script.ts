import { automaticVariables, cmdlets } from "./cmdlets.ts";
import { type CommandUse, type FunctionMade, type ParsedScript, parseScript } from "./powershell-parser.ts";
import { ScriptSyntaxError } from "./powershell-tokens.ts";

/**
 * What is wrong with a script that we wrote, by our own grammar: syntax, commands and parameters that are not in the table, functions
 * called with more than they take, variables that nobody sets. None for a good one.
 */
export function scriptProblems(script: string): readonly string[] {
  let parsed: ParsedScript;
  try {
    parsed = parseScript(script);
  } catch (error) {
    if (error instanceof ScriptSyntaxError) return [error.message];
    throw error;
  }
  const functions = new Map(parsed.functions.map((one) => [one.name, one]));
  return [...parsed.commands.flatMap((command) => commandProblems(command, functions.get(command.name))), ...variableProblems(parsed)];
}

function commandProblems({ name, parameters, positional, line }: CommandUse, own: FunctionMade | undefined): readonly string[] {
  if (own !== undefined) {
    const isFitting = positional <= own.parameters.length && parameters.length === 0;
    return isFitting ? [] : [`line ${line}: ${name} takes ${own.parameters.length} values, by their place`];
  }
  const known = Object.hasOwn(cmdlets, name) ? cmdlets[name] : undefined;
  if (known === undefined) return [`line ${line}: ${name} is no command that we use`];
  return parameters
    .filter((parameter) => !known.includes(parameter))
    .map((parameter) => `line ${line}: ${name} has no -${parameter} in our table`);
}

function variableProblems({ variables }: ParsedScript): readonly string[] {
  const plain = (name: string): string => name.replace(/^script:/, "").toLowerCase();
  const known = new Set([...variables.set, ...automaticVariables].map(plain));
  return [...variables.read].filter(([name]) => !known.has(plain(name))).map(([name, line]) => `line ${line}: nobody sets $${name}`);
}
