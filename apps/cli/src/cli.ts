import type { Command } from "commander";
import type { Environment } from "@mailfleet/config";
import type { ColorChoice, OutStream, ProgressChoice, Terminal } from "./terminal.ts";

/** What the process gives. */
export interface CliProcess {
  readonly args: readonly string[];
  readonly env: Environment;
  /** Absolute. */
  readonly cwd: string;
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  setVariable(name: string, value: string): void;
  /** Asks the person at the terminal; absent where nobody can answer. */
  ask?(question: string): Promise<string>;
}

/** What every verb gets. */
export interface Cli {
  readonly env: Environment;
  readonly cwd: string;
  readonly terminal: Terminal;
  readonly stderr: OutStream;
  readonly isJson: boolean;
  /** For a program that takes over this process and reads its environment. */
  setVariable(name: string, value: string): void;
  /** Asks the person at the terminal; absent where nobody can answer. */
  readonly ask?: (question: string) => Promise<string>;
  /** One document, or one line of a stream. */
  json(value: unknown): void;
}

/** Options that every verb understands. */
export interface CommonOptions {
  readonly config?: string;
  readonly data?: string;
  readonly json?: true;
  readonly color: ColorChoice;
  readonly progress: ProgressChoice;
  readonly debug?: true;
}

/** Gives the exit code; undefined when another program runs on in this process. */
export type Verb<Options> = (cli: Cli, options: Options, args: readonly string[]) => Promise<number | undefined>;

/** Makes a commander action of a verb. */
export type Bind = <Options extends CommonOptions>(verb: Verb<Options>) => (this: Command, ...args: unknown[]) => Promise<void>;
