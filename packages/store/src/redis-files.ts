import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { access, chmod, constants, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { type RedisTarget, Secret } from "@mailfleet/core";

/** What a private Redis needs on disk, all in one folder of mode 0700. */
export interface RedisFiles {
  readonly dir: string;
  readonly conf: string;
  readonly connection: string;
  readonly pid: string;
  readonly log: string;
}

export interface RedisConnection {
  readonly port: number;
  readonly password: Secret;
}

export function redisFiles(folder: string): RedisFiles {
  const dir = path.resolve(folder);
  const file = (name: string): string => path.join(dir, name);
  return { dir, conf: file("redis.conf"), connection: file("connection.json"), pid: file("redis.pid"), log: file("redis.log") };
}

/** 43 letters from 32 random bytes: Redis checks passwords fast, so only length helps. */
export function newConnection(port: number): RedisConnection {
  return { port, password: new Secret(randomBytes(32).toString("base64url")) };
}

export function toTarget({ port, password }: RedisConnection): RedisTarget {
  return { host: "127.0.0.1", port, password, db: 0, tls: false };
}

/**
 * Where the private Redis of a folder listens, or undefined when none was ever started there.
 * It says nothing about whether the server runs.
 */
export function readPrivateRedis(dir: string): RedisTarget | undefined {
  const connection = readConnection(redisFiles(dir));
  return connection && toTarget(connection);
}

export function readConnection(files: RedisFiles): RedisConnection | undefined {
  try {
    const { port, password } = JSON.parse(readFileSync(files.connection, "utf8")) as Record<string, unknown>;
    if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
    if (typeof password !== "string" || password === "") return undefined;
    return { port, password: new Secret(password) };
  } catch {
    return undefined;
  }
}

/** Written before the server starts, so that a start that is killed half way still leaves the way to its server (F27). */
export async function writeRedisFiles(files: RedisFiles, connection: RedisConnection): Promise<void> {
  await mkdir(files.dir, { recursive: true, mode: 0o700 });
  await chmod(files.dir, 0o700);
  await writePrivate(files.conf, redisConf(files, connection));
  await writePrivate(files.connection, `${JSON.stringify({ port: connection.port, password: connection.password.reveal() })}\n`);
}

/** The process that wrote the pid file, while it lives; a pid that belongs to another program by now is none. */
export async function livingServer(files: RedisFiles): Promise<number | undefined> {
  const pid = Number(await readFile(files.pid, "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid < 2 || !isAlive(pid)) return undefined;
  // Only Linux has /proc; elsewhere the pid is believed, because two servers on one folder would be worse.
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "redis-server");
  return command.includes("redis-server") ? pid : undefined;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Where packages put servers that an ordinary user's PATH leaves out. */
const serverFolders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin"];

/** @param searchPath as in the variable PATH */
export async function findRedisServer(searchPath: string): Promise<string | undefined> {
  for (const folder of [...searchPath.split(path.delimiter), ...serverFolders]) {
    if (folder === "") continue;
    const candidate = path.join(folder, "redis-server");
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return candidate;
  }
  return undefined;
}

/** Longest value of a hash that Redis keeps in one block; a folder of some hundred messages takes 70 to 200 bytes. */
const packedValueBytes = 512;

function redisConf(files: RedisFiles, { port, password }: RedisConnection): string {
  return [
    "# Written by mailfleet at every start.",
    "bind 127.0.0.1",
    "protected-mode yes",
    `port ${port}`,
    `requirepass ${quote(password.reveal())}`,
    "daemonize no",
    "supervised no",
    `dir ${quote(files.dir)}`,
    `pidfile ${quote(files.pid)}`,
    `logfile ${quote(files.log)}`,
    "appendonly yes",
    "appendfsync everysec",
    "# Mail passes through: at Redis' 64 MB, every few thousand messages all that wait would be written once more, and compressing them is most of that.",
    "auto-aof-rewrite-min-size 512mb",
    "rdbcompression no",
    'save ""',
    "maxmemory-policy noeviction",
    "# Checkpoints of small folders stay packed: 920 bytes a mailbox in place of 1,450. Redis 7 calls it hash-max-listpack-value too.",
    `hash-max-ziplist-value ${packedValueBytes}`,
    "# Its log would keep arguments: mail (T14).",
    "slowlog-log-slower-than -1",
    "",
  ].join("\n");
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

async function writePrivate(file: string, text: string): Promise<void> {
  const draft = `${file}.new`;
  await writeFile(draft, text, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, file);
}
