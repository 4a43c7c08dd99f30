import type { Document } from "./documents.ts";
import { codeBlocks } from "./markdown.ts";
import { commandTree } from "./cli-reference.ts";

type Command = ReturnType<typeof commandTree>;

export interface CommandSample {
  readonly place: string;
  /** As it is typed, from the verb on. */
  readonly args: readonly string[];
  /** With `[--dry-run]`, `<file>` or `…` in it: a way to write it, and no command. */
  readonly isSynopsis: boolean;
}

/** Every command of ours that a page shows: `npx mailfleet …` in blocks and in lines, and what `npm start --` hands on to `up`. */
export function commandSamples(all: readonly Document[]): readonly CommandSample[] {
  return all.flatMap(({ file, text }) => {
    const lines = codeBlocks(file, text).flatMap((block) => block.text.split("\n").map((line) => ({ place: block.place, line })));
    const inLines = [...text.replace(/^[ ]*```[^]*?^[ ]*```/gm, "").matchAll(/`([^`\n]+)`/g)].map((match) => ({
      place: file,
      line: match[1] ?? "",
    }));
    return [...lines, ...inLines].flatMap(({ place, line }) => {
      const [, start, rest = ""] = /(?:^|\s|\()(?:[A-Z_]+=\S+ )?(npx mailfleet|npm start(?: --silent)? --)(?= |$)(.*)$/.exec(line) ?? [];
      if (start === undefined) return [];
      const words = split(rest);
      const args = start.startsWith("npm") ? ["up", ...words] : words;
      // A word in capitals, or three dots, stand for any verb.
      if (args.length === 0 || /^(?:[A-Z]+|…)$/.test(args[0] ?? "")) return [];
      return [{ place, args, isSynopsis: args.some((word) => /^[[\]|<]|…|\]$/.test(word)) }];
    });
  });
}

/** As a shell does, up to a pipe, a redirection, a comment, or two spaces, behind which pages explain. */
function split(text: string): string[] {
  const words: string[] = [];
  const pattern = /^( ?)(?:"([^"]*)"|'([^']*)'|([^\s"'|>#;&)]+))/;
  for (let rest = text; ;) {
    const found = pattern.exec(rest);
    if (found === null) return words;
    words.push(found[2] ?? found[3] ?? found[4] ?? "");
    rest = rest.slice(found[0].length);
  }
}

/** Undefined where the command line takes it; nothing is done by it. */
export async function problemOfCommand({ args, isSynopsis }: CommandSample): Promise<string | undefined> {
  if (isSynopsis) return problemOfSynopsis(args);
  try {
    await commandTree().parseAsync(args.map(withoutPlaceholder), { from: "user" });
    return undefined;
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    return code === "commander.helpDisplayed" || code === "commander.version" ? undefined : message;
  }
}

/** `--try N` says that a number stands there. */
function withoutPlaceholder(word: string): string {
  return word === "N" || word === "SECONDS" ? "1" : word;
}

/** Its verb and its flags are there, whatever they are given. */
function problemOfSynopsis(args: readonly string[]): string | undefined {
  let at: Command = commandTree();
  for (const word of args) {
    const next = at.commands.find((command) => command.name() === word);
    if (next === undefined) break;
    at = next;
  }
  if (at.parent === null) return `there is no verb ${args[0]}`;
  const known = new Set(at.options.flatMap(({ long, short }) => [long, short]));
  const flags = args.flatMap((word) => /--[a-z][a-z-]*/.exec(word)?.[0] ?? []);
  const unknown = flags.filter((flag) => !known.has(flag));
  return unknown.length === 0 ? undefined : `${at.name()} has no ${unknown.join(", ")}`;
}
