import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { capture, findBinary, SetupError } from "./processes.mjs";
import { lastLines } from "./packages.mjs";

/** What we may have to install, by the names that systems give it. */
export const redisServer = {
  name: "redis-server",
  binary: "redis-server",
  versionArgs: ["--version"],
  versionPattern: /v=(\d+\.\d+\.\d+)/,
  packages: { apt: ["redis-server"], brew: ["redis"], dnf: ["redis"], apk: ["redis"] },
  services: ["redis-server", "redis"],
  byHand: "Or set REDIS_URL to a Redis with appendonly yes and maxmemory-policy noeviction.",
};
export const dovecot = {
  name: "dovecot",
  binary: "dovecot",
  versionArgs: ["--version"],
  versionPattern: /^(\d+\.\d+\.\d+)/,
  packages: { apt: ["dovecot-imapd", "dovecot-pop3d"], brew: ["dovecot"], dnf: ["dovecot"], apk: ["dovecot"] },
  services: ["dovecot"],
  /** The package with the master process brings neither of these; Debian has one for each. */
  parts: {
    names: ["imap", "pop3"],
    folders: [
      "/usr/lib/dovecot",
      "/usr/libexec/dovecot",
      "/opt/homebrew/opt/dovecot/libexec/dovecot",
      "/usr/local/opt/dovecot/libexec/dovecot",
    ],
  },
  byHand: "Or set TEST_IMAP_URL and TEST_POP3_URL (see CONTRIBUTING.md).",
};

/** For the example of a consumer in Python. */
export const pythonSchema = {
  name: "python3 with jsonschema",
  binary: "python3",
  versionArgs: ["-c", "from importlib.metadata import version; print(version('jsonschema'))"],
  versionPattern: /(\d+\.\d+\.\d+)/,
  packages: { apt: ["python3", "python3-jsonschema"], brew: ["python-jsonschema"], dnf: ["python3-jsonschema"], apk: ["py3-jsonschema"] },
  services: [],
  byHand: "It is needed for the tests only.",
};

export const chromium = {
  name: "chromium",
  binary: "chromium",
  /** Just as good, and there already on many machines. */
  otherBinaries: ["google-chrome", "google-chrome-stable", "chromium-browser"],
  versionArgs: ["--version"],
  versionPattern: /(\d+\.\d+)\.\d+/,
  // Without a font every text of a page is as wide as nothing.
  packages: { apt: ["chromium", "fonts-liberation"], brew: ["chromium"], dnf: ["chromium"], apk: ["chromium", "font-liberation"] },
  services: [],
  byHand: "Or set TEST_CHROMIUM to the path of a Chromium or Chrome.",
};

/** @returns {Promise<{ version: string, isNew: boolean }>} */
export async function ensureSystemPackage(wanted) {
  const before = await versionOf(wanted);
  if (before !== undefined) return { version: before, isNew: false };
  const manager = await findManager();
  if (manager === undefined)
    throw new SetupError(instructions(wanted, "It is not on the PATH, and no package manager can be used without a password."));
  const names = wanted.packages[manager.name];
  const failure = await manager.install(names, wanted.services);
  const after = await versionOf(wanted);
  if (after !== undefined) return { version: after, isNew: true };
  throw new SetupError(
    instructions(
      wanted,
      `${manager.name} could not install ${names.join(" ")}:\n${failure ?? "it reported success, but the program is not there"}`,
    ),
  );
}

async function versionOf(wanted) {
  const binary = [wanted.binary, ...(wanted.otherBinaries ?? [])].map(findBinary).find((found) => found !== undefined);
  if (binary === undefined) return undefined;
  if (wanted.parts !== undefined && !wanted.parts.names.every((name) => isInSome(wanted.parts.folders, name))) return undefined;
  const { code, output } = await capture(binary, wanted.versionArgs);
  return code === 0 ? (wanted.versionPattern.exec(output)?.[1] ?? "of unknown version") : undefined;
}

function isInSome(folders, name) {
  return folders.some((folder) => existsSync(`${folder}/${name}`));
}

function instructions(wanted, problem) {
  const { apt, brew, dnf, apk } = wanted.packages;
  return [
    `mailfleet needs ${wanted.name} here. ${problem}`,
    `Install it, then run the same command again:`,
    `  Debian, Ubuntu   sudo apt-get install ${apt.join(" ")}`,
    `  macOS            brew install ${brew.join(" ")}`,
    `  Fedora           sudo dnf install ${dnf.join(" ")}`,
    `  Alpine           sudo apk add ${apk.join(" ")}`,
    wanted.byHand,
  ].join("\n");
}

async function findManager() {
  const asRoot = await rootPrefix();
  if (asRoot !== undefined && findBinary("apt-get"))
    return { name: "apt", install: (names, services) => aptInstall(asRoot, names, services) };
  if (asRoot !== undefined && findBinary("dnf"))
    return { name: "dnf", install: (names) => runInstall([...asRoot, "dnf", "install", "-y", "-q", ...names]) };
  if (asRoot !== undefined && findBinary("apk"))
    return { name: "apk", install: (names) => runInstall([...asRoot, "apk", "add", "-q", ...names]) };
  if (process.getuid?.() !== 0 && findBinary("brew"))
    return { name: "brew", install: (names) => runInstall(["brew", "install", "-q", ...names]) };
  return undefined;
}

/** How to act as root without a question; undefined when that is impossible. */
async function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  if (!findBinary("sudo")) return undefined;
  const { code } = await capture("sudo", ["-n", "true"]);
  return code === 0 ? ["sudo", "-n"] : undefined;
}

const policyFile = "/usr/sbin/policy-rc.d";

/**
 * Installs without starting anything: Debian's packages would start a server on its default port, and mailfleet starts its own. The
 * policy file is Debian's way to forbid that; it goes away again unless it was there before.
 */
async function aptInstall(asRoot, names, services) {
  const hadPolicy = existsSync(policyFile);
  if (!hadPolicy) await runInstall([...asRoot, "sh", "-c", `printf '#!/bin/sh\\nexit 101\\n' > ${policyFile} && chmod 755 ${policyFile}`]);
  try {
    return await aptInstallWithRetries(asRoot, names);
  } finally {
    if (!hadPolicy) await runInstall([...asRoot, "rm", "-f", policyFile]);
    if (services.length > 0 && existsSync("/run/systemd/system"))
      await capture("sh", ["-c", [...asRoot, "systemctl", "disable", "-q", ...services].join(" ")]);
  }
}

async function aptInstallWithRetries(asRoot, names) {
  const env = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"];
  const apt = [...asRoot, ...env, "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"];
  let failure;
  for (const waitMs of [0, 2_000, 5_000]) {
    await sleep(waitMs);
    // Package lists that are there are tried first; a fresh container has none, and old ones name files that are gone.
    if (waitMs > 0 || !(await hasCandidate(names))) failure = await runInstall([...apt, "update"]);
    failure = await runInstall([...apt, "install", "--no-install-recommends", ...names]);
    if (failure === undefined) return undefined;
  }
  return failure;
}

async function hasCandidate(names) {
  const { output } = await capture("apt-cache", ["policy", ...names]);
  return /Candidate: \d/.test(output);
}

/** Undefined when it went well, else the last lines of what it said. */
async function runInstall([command, ...args]) {
  const { code, output } = await capture(command, args);
  return code === 0 ? undefined : lastLines(output);
}
