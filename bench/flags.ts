import { parseArgs } from "node:util";

/** A whole number. Without a default it may be left out. */
export interface NumberFlag {
  readonly min: number;
  readonly max?: number;
  readonly default?: number;
}

/** What a benchmark takes beside `--help` and `--json`; names as they are typed, without the dashes. */
export interface FlagSpec {
  readonly numbers: Readonly<Record<string, NumberFlag>>;
  readonly texts?: readonly string[];
  /** One of several words; the first one is the default. */
  readonly choices?: Readonly<Record<string, readonly [string, ...string[]]>>;
  readonly switches?: readonly string[];
}

type ChoicesOf<S extends FlagSpec> =
  S["choices"] extends Readonly<Record<string, readonly string[]>>
    ? { readonly [K in keyof S["choices"]]: S["choices"][K][number] }
    : undefined;

type NumberOf<F extends NumberFlag> = F extends { readonly default: number } ? number : number | undefined;

export interface Flags<S extends FlagSpec> {
  readonly help: boolean;
  readonly json: boolean;
  readonly numbers: { readonly [K in keyof S["numbers"]]: NumberOf<S["numbers"][K]> };
  readonly texts: ReadonlyMap<string, string>;
  readonly choices: ChoicesOf<S>;
  readonly switches: ReadonlySet<string>;
}

/** Its message names the flag and what is expected of it, in one line. */
export class FlagError extends Error {}

/** Throws {@link FlagError}: a benchmark that runs with NaN measures nothing, and takes minutes to say so. */
export function parseFlags<const S extends FlagSpec>(args: readonly string[], spec: S): Flags<S> {
  const [texts, switches] = [new Map<string, string>(), new Set<string>()];
  const numbers: Record<string, number | undefined> = Object.fromEntries(
    Object.entries(spec.numbers).map(([name, flag]) => [name, flag.default]),
  );
  const words = new Map(Object.entries(spec.choices ?? {}));
  const choices = Object.fromEntries([...words].map(([name, [first]]) => [name, first]));
  const valued = [...Object.keys(spec.numbers), ...words.keys(), ...(spec.texts ?? [])];
  const plain = ["help", "json", ...(spec.switches ?? [])];
  const { tokens } = parseArgs({
    args: [...args],
    // Strict, parseArgs would answer in words of its own, some of them about positional arguments, which there are none of.
    strict: false,
    tokens: true,
    options: {
      ...Object.fromEntries(valued.map((name) => [name, { type: "string" as const }])),
      ...Object.fromEntries(plain.map((name) => [name, { type: "boolean" as const }])),
    },
  });
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    const number = token.kind === "option" && Object.hasOwn(spec.numbers, token.name) ? spec.numbers[token.name] : undefined;
    const allowed = token.kind === "option" ? words.get(token.name) : undefined;
    if (token.kind === "positional") throw new FlagError(`${quote(token.value)} is not known; expected flags only, --help shows them`);
    else if (number !== undefined) numbers[token.name] = readNumber(token.rawName, number, token.value);
    else if (allowed !== undefined) choices[token.name] = readChoice(token.rawName, allowed, token.value);
    else if (valued.includes(token.name)) texts.set(token.name, readText(token.rawName, token.value));
    else if (!plain.includes(token.name))
      throw new FlagError(`${token.rawName} is not known; expected one of ${listed([...valued, ...plain])}`);
    else if (token.value === undefined) switches.add(token.name);
    else throw new FlagError(`${token.rawName} is ${quote(token.value)}; expected it without a value`);
  }
  return {
    help: switches.has("help"),
    json: switches.has("json"),
    numbers: numbers as Flags<S>["numbers"],
    texts,
    choices: choices as Flags<S>["choices"],
    switches,
  };
}

/** The flags of this process. Ends it where help is wanted (0) or a flag is wrong (2): nothing is started yet. */
export function readFlags<const S extends FlagSpec>(benchmark: string, help: string, spec: S): Flags<S> {
  try {
    const flags = parseFlags(process.argv.slice(2), spec);
    if (!flags.help) return flags;
    process.stdout.write(help);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    process.stderr.write(`bench ${benchmark}: ${error.message}\n`);
    process.exit(2);
  }
  process.exit(0);
}

function readNumber(flag: string, { min, max = Number.MAX_SAFE_INTEGER }: NumberFlag, text: string | undefined): number {
  const expected = `expected a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}`;
  if (text === undefined) throw new FlagError(`${flag} has no value; ${expected}`);
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max)
    throw new FlagError(`${flag} is ${quote(text)}; ${expected}`);
  return value;
}

function readChoice(flag: string, allowed: readonly string[], text: string | undefined): string {
  if (text !== undefined && allowed.includes(text)) return text;
  throw new FlagError(`${flag} ${text === undefined ? "has no value" : `is ${quote(text)}`}; expected ${allowed.join(" or ")}`);
}

function readText(flag: string, text: string | undefined): string {
  if (text === undefined || text === "" || text.startsWith("--")) throw new FlagError(`${flag} has no value; expected one`);
  return text;
}

function listed(names: readonly string[]): string {
  return names.map((name) => `--${name}`).join(", ");
}

/** One line whatever was typed. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
