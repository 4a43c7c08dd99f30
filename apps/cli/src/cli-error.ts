import { isSyncError, stripControls } from "@mailfleet/core";
import { safeJson } from "./safe-json.ts";
import { wrapText } from "./text-layout.ts";

/** A sentence, or what stands behind `npx mailfleet` in a command to paste, which gets the options of the call: it must reach the same fleet. */
export type TodoLine = string | { readonly say?: string; readonly run: string };

/** The four parts of every error, in their order. */
export interface ErrorReport {
  /** A word that programs may match. */
  readonly code: string;
  /** What happened, and to whom; the server's words quoted and scrubbed. */
  readonly what: string;
  /** What mailfleet does next, and when. */
  readonly next?: string;
  /** What the operator can do: lines that may be pasted are kept whole. */
  readonly todo?: readonly TodoLine[];
  /** Of the configuration, all at once. */
  readonly problems?: readonly object[];
}

/** Ends a verb with words and an exit code: 1 something failed, 2 usage or configuration and nothing was started. */
export class CliError extends Error {
  readonly exitCode: 1 | 2;
  readonly report: ErrorReport;
  /** Printed in place of the report, for texts that come formatted, such as a list of configuration problems. */
  readonly text: string | undefined;

  constructor(exitCode: 1 | 2, report: ErrorReport, text?: string) {
    super(report.what);
    this.name = "CliError";
    this.exitCode = exitCode;
    this.report = report;
    this.text = text;
  }
}

/** Any error as a CliError; what nobody foresaw says so. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (isSyncError(error)) {
    const { code, message } = error.failure;
    return new CliError(code === "CONFIG_INVALID" ? 2 : 1, { code, what: message });
  }
  const what = error instanceof Error ? error.message : String(error);
  return new CliError(1, {
    code: "UNFORESEEN",
    what: `Something failed that mailfleet has no word for: ${what}`,
    todo: ["Run it again with --debug for the place in the code."],
  });
}

/** What commands need besides to reach the fleet of the call. Begins with a space, or is empty. */
export interface CallOptions {
  /** As they were given. */
  readonly given: string;
  /** For `up`, which takes the sandbox where others find a mailfleet.yaml by themselves. */
  readonly start: string;
}

function todoText(line: TodoLine, { given, start }: CallOptions): string {
  if (typeof line === "string") return line;
  return `${line.say === undefined ? "" : `${line.say}: `}npx mailfleet ${line.run}${line.run === "up" ? start : given}`;
}

/**
 * @param options of the call, for commands to paste
 * @param columns of the terminal, for sentences; what may be pasted stays whole. Undefined elsewhere: nothing is broken.
 */
export function formatReport(report: ErrorReport, mark: string, options: CallOptions, columns?: number): string {
  const wrapped = (text: string): string[] => (columns === undefined ? [text] : wrapText(text, columns, 2));
  const [first = "", ...more] = report.what.split("\n").flatMap((text) => (text.startsWith(" ") ? [text.slice(2)] : wrapped(text)));
  // Words of users and servers are in it: whoever threw it may not have thought of them (T56).
  const lines = [`${mark} ${stripControls(first)}`, ...more.map((text) => `  ${stripControls(text)}`)];
  if (report.next !== undefined) lines.push(...wrapped(report.next).map((text) => `  ${text}`));
  for (const line of report.todo ?? []) lines.push(`  ${stripControls(todoText(line, options))}`);
  return lines.join("\n");
}

/** The one document of `--json` when a verb failed. */
export function reportJson(report: ErrorReport, options: CallOptions): string {
  const { code, what, next, todo = [], problems } = report;
  return safeJson({
    ok: false,
    error: {
      code,
      what,
      ...(next !== undefined && { next }),
      do: todo.map((line) => todoText(line, options)),
      ...(problems && { problems }),
    },
  });
}
