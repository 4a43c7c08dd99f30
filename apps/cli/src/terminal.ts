import { styleText } from "node:util";

export type ColorChoice = "auto" | "always" | "never";
export type ProgressChoice = "auto" | "plain" | "none";

/** The part of a stream that is used here; `process.stdout` and `process.stderr` fit. */
export interface OutStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface TerminalOptions {
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly color: ColorChoice;
  readonly progress: ProgressChoice;
}

/** Colour says who must act, and never alone: a mark or a word says it too. */
export type Role = "done" | "yours" | "look" | "moving" | "strong";

const colors = { done: "green", yours: "red", look: "yellow", moving: "blue", strong: "bold" } as const;

export interface Marks {
  readonly done: string;
  readonly yours: string;
  readonly look: string;
  readonly moving: string;
  readonly full: string;
  readonly empty: string;
}

const unicodeMarks: Marks = { done: "✓", yours: "✗", look: "!", moving: "~", full: "█", empty: "░" };
const asciiMarks: Marks = { done: "ok", yours: "FAIL", look: "!", moving: "~", full: "#", empty: "-" };

export interface Terminal {
  /** The answer. */
  out(text: string): void;
  /** Progress, hints, warnings, errors. */
  err(text: string): void;
  /** How progress is shown: redrawn in place, as plain lines, or not at all. */
  readonly progress: "live" | "plain" | "none";
  /** Hints and tables for people, not for programs. */
  readonly isOutTerminal: boolean;
  readonly isErrTerminal: boolean;
  readonly marks: Marks;
  outWidth(): number;
  errSize(): { readonly columns: number; readonly rows: number };
  paint(role: Role, text: string, stream?: "out" | "err"): string;
}

export function createTerminal({ stdout, stderr, env, color, progress }: TerminalOptions): Terminal {
  const isDumb = env["TERM"] === "dumb";
  const isPlain = stderr.isTTY !== true || isDumb || isSet(env["CI"]) || isSet(env["ACCESSIBLE"]) || progress === "plain";
  const isUnicode = isUtf8(env);
  const encode = (text: string): string => (isUnicode ? text : text.replaceAll("…", "."));
  return {
    out: (text) => void stdout.write(encode(text)),
    err: (text) => void stderr.write(encode(text)),
    progress: progress === "none" ? "none" : isPlain ? "plain" : "live",
    isOutTerminal: stdout.isTTY === true,
    isErrTerminal: stderr.isTTY === true,
    marks: isUnicode ? unicodeMarks : asciiMarks,
    outWidth: () => clampWidth(stdout.columns),
    errSize: () => ({ columns: clampWidth(stderr.columns), rows: Math.max(6, stderr.rows ?? 24) }),
    paint(role, text, stream = "err") {
      if (color === "never") return text;
      if (color === "always") return styleText(colors[role], text, { validateStream: false });
      // styleText itself looks at NO_COLOR, FORCE_COLOR, TERM and whether the stream is a terminal.
      return styleText(colors[role], text, { stream: stream === "out" ? stdout : stderr });
    },
  };
}

/** Good at 80, fills to 120. */
function clampWidth(columns: number | undefined): number {
  return Math.min(120, Math.max(20, columns ?? 80));
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "0" && value !== "false";
}

/** Where no locale is set (containers, Windows) UTF-8 is the rule by now; a locale that names another charset is believed. */
function isUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find((value) => value !== undefined && value !== "");
  if (locale === undefined || locale === "C" || locale === "POSIX") return locale === undefined;
  return !locale.includes(".") || /utf-?8/i.test(locale);
}
