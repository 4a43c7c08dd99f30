import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { Secret, secretText } from "@mailfleet/core";
import type { Reading } from "./reading.ts";
import { showFile } from "./show.ts";
import type { Path } from "./yaml-source.ts";

export interface FileContent {
  readonly bytes: Uint8Array;
  /** Permission bits; absent where the system has none. */
  readonly mode?: number;
}

/** Gives a file's content, or throws Node's own error with its `code`. */
export type ReadFile = (path: string) => FileContent;

/** Far above 100,000 mailboxes; below what would stall a start. */
const maxFileBytes = 64 * 1024 * 1024;
const maxSecretBytes = 64 * 1024;

/** The default of {@link ReadFile}: the local file system. */
export function readLocalFile(path: string): FileContent {
  const stat = statSync(path);
  if (stat.isDirectory()) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
  if (stat.size > maxFileBytes) throw Object.assign(new Error("is too large"), { code: "EFBIG" });
  return { bytes: readFileSync(path), ...(process.platform !== "win32" && { mode: stat.mode & 0o777 }) };
}

/** UTF-8 text without byte order mark, or what is wrong with it: `is UTF-16`. */
export function decodeText(bytes: Uint8Array): { readonly text: string } | { readonly problem: string } {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) return { problem: "is UTF-16" };
  if (bytes.includes(0)) return { problem: "has NUL bytes" };
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { problem: "is not UTF-8" };
  }
}

/** Why a file could not be read, in words: `is "./secret", and there is no such file`. */
function describeReadError(name: string, error: unknown): string {
  return `is ${showFile(name)}, and ${readErrorWords(error) ?? "it cannot be read"}`;
}

/** `there is no such file`; undefined for what has no words of its own. */
export function readErrorWords(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const words: Record<string, string> = {
    ENOENT: "there is no such file",
    ENOTDIR: "there is no such file",
    EACCES: "mailfleet may not read it",
    EPERM: "mailfleet may not read it",
    EISDIR: "that is a folder",
    EFBIG: "that is over 64 MB",
  };
  return words[code];
}

/** The absolute path of a file that must be there, or undefined after reporting. */
export function requireFile(reading: Reading, path: Path, name: string): string | undefined {
  return readNamedFile(reading, path, name)?.file;
}

/** A text file named by the configuration, or undefined after reporting. */
export function readNamedText(reading: Reading, path: Path, name: string): { file: string; text: string; mode?: number } | undefined {
  const content = readNamedFile(reading, path, name);
  if (content === undefined) return undefined;
  const decoded = decodeText(content.bytes);
  if ("text" in decoded) return { file: content.file, text: decoded.text, ...(content.mode !== undefined && { mode: content.mode }) };
  reading.report(path, `is ${showFile(name)}, which ${decoded.problem}`, "expected UTF-8 text");
  return undefined;
}

/** A secret by reference, or undefined after reporting. Its value is known to the scrubber of all messages from here on. */
export function readSecret(
  reading: Reading,
  path: Path,
  reference: { readonly file?: string | undefined; readonly env?: string | undefined },
  keys: { readonly file: string; readonly env: string },
): { readonly secret: Secret; readonly source: { readonly file: string } | { readonly env: string } } | undefined {
  const { file, env } = reference;
  if (file !== undefined && env !== undefined) {
    reading.report(path, `has both ${keys.file} and ${keys.env}`, "expected one of them");
    return undefined;
  }
  if (file !== undefined) return readSecretFile(reading, [...path, keys.file], file);
  if (env === undefined) return undefined;
  const value = reading.env[env];
  const secret = value === undefined ? undefined : checkedSecret(reading, [...path, keys.env], value, "names a variable that");
  if (value === undefined)
    reading.report(
      [...path, keys.env],
      `names ${env.length <= 40 ? env : "a variable"}, which is not set`,
      "expected it in the environment",
    );
  return secret === undefined ? undefined : { secret, source: { env } };
}

function readSecretFile(reading: Reading, path: Path, name: string) {
  const content = readNamedFile(reading, path, name);
  if (content === undefined) return undefined;
  const decoded = content.bytes.length > maxSecretBytes ? { problem: "is over 64 kB" } : decodeText(content.bytes);
  if ("problem" in decoded) {
    reading.report(path, `is ${showFile(name)}, which ${decoded.problem}`, "expected UTF-8 text with the secret's value");
    return undefined;
  }
  const secret = checkedSecret(reading, path, decoded.text, `is ${showFile(name)}, which`);
  if (secret === undefined) return undefined;
  warnIfPublic(reading, path, content);
  return { secret, source: { file: content.file } };
}

/** For files of secrets. */
export function warnIfPublic(reading: Reading, path: Path, { file, mode }: { readonly file: string; readonly mode?: number }): void {
  if (mode === undefined || (mode & 0o004) === 0) return;
  reading.warn(path, "can be read by everybody on this machine", `expected mode 600: chmod 600 ${showFile(file)}`);
}

function checkedSecret(reading: Reading, path: Path, text: string, lead: string): Secret | undefined {
  reading.hide(text.replace(/[\r\n]+$/, ""));
  const found = secretText(text);
  if ("value" in found) return new Secret(found.value);
  reading.report(path, `${lead} ${found.problem}`, `expected the secret's value${found.problem === "is empty" ? "" : " alone"}`);
  return undefined;
}

function readNamedFile(reading: Reading, path: Path, name: string): (FileContent & { file: string }) | undefined {
  const file = resolve(reading.folder, name);
  try {
    return { file, ...reading.readFile(file) };
  } catch (error) {
    reading.report(path, describeReadError(name, error));
    return undefined;
  }
}
