import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { constants as osConstants } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..", "..");
export const isWindows = process.platform === "win32";

/** Where packages put servers that an ordinary user's PATH leaves out. */
const serverFolders = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/homebrew/sbin", "/sbin"];

/** Full path of an executable, or undefined. */
export function findBinary(name) {
  const folders = [...(process.env.PATH ?? "").split(path.delimiter), ...(isWindows ? [] : serverFolders)];
  for (const folder of folders) {
    if (folder === "") continue;
    const candidate = path.join(folder, isWindows ? `${name}.exe` : name);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not here; the next folder.
    }
  }
  return undefined;
}

/** Runs a command to its end and keeps what it says. Never rejects: a command that cannot start has code 127. */
export function capture(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.once("error", (error) => resolve({ code: 127, output: error.message }));
    child.once("close", (code, signal) => resolve({ code: code ?? signalCode(signal), output }));
  });
}

/**
 * Runs a command on our own terminal and returns its exit code. SIGTERM and SIGHUP come to us alone and are passed on. Ctrl-C reaches it
 * through the terminal's process group, but `kill -INT` does not, and nobody says which it was: a command that takes two at once for one
 * (`takesInterruptTwice`) is sent it in any case, for others we only wait.
 */
export function runInForeground(command, args, { takesInterruptTwice = false, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, ...options, stdio: options.stdio ?? "inherit" });
    const passOn = (signal) => child.kill(signal);
    const wait = takesInterruptTwice ? passOn : () => undefined;
    process.on("SIGINT", wait);
    process.on("SIGTERM", passOn);
    process.on("SIGHUP", passOn);
    child.once("error", (error) => {
      process.stderr.write(`cannot start ${command}: ${error.message}\n`);
      resolve(127);
    });
    child.once("close", (code, signal) => {
      process.off("SIGINT", wait);
      process.off("SIGTERM", passOn);
      process.off("SIGHUP", passOn);
      resolve(code ?? signalCode(signal));
    });
  });
}

function signalCode(signal) {
  return 128 + (osConstants.signals[signal] ?? 0);
}

/** The environment for tools of the workspace: its own Node and binaries come first. */
export function workspaceEnv(extra = {}) {
  const bin = path.join(root, "node_modules", ".bin");
  return { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH ?? ""}`, ...extra };
}

/** Ends the script with a sentence that says what to do. */
export class SetupError extends Error {}
