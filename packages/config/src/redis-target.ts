import { Secret } from "@mailfleet/core";
import type { RedisTarget } from "./config.ts";
import { readSecret, requireFile } from "./files.ts";
import { isLoopback } from "./hosts.ts";
import type { Reading } from "./reading.ts";
import type { FileConfig } from "./schema.ts";

const urlPath = ["redis", "url"];
const expectedUrl = "expected redis://host:port, rediss://host:port (TLS) or unix:///path";

/** The external Redis, or undefined when none is named (or after reporting). */
export function resolveRedis(reading: Reading, redis: FileConfig["redis"]): RedisTarget | undefined {
  if (redis === undefined) return undefined;
  const secret = readSecret(
    reading,
    ["redis"],
    { file: redis.passwordFile, env: redis.passwordEnv },
    { file: "passwordFile", env: "passwordEnv" },
  );
  const caFile = redis.caFile === undefined ? undefined : requireFile(reading, ["redis", "caFile"], redis.caFile);
  if (redis.url === undefined) {
    if (!reading.hasProblem(urlPath)) reading.report(urlPath, "is missing", expectedUrl);
    return undefined;
  }
  const url = parseUrl(redis.url);
  if (url?.password) reading.hide(url.password);
  const target = url === undefined ? undefined : targetOf(url);
  if (url === undefined || target === undefined) {
    reading.report(urlPath, "is no Redis URL (not shown)", expectedUrl);
    return undefined;
  }
  if (url.password !== "" && !reading.isFromEnvironment(urlPath)) {
    reading.report(urlPath, "has a password in the file (not shown)", "expected passwordFile or passwordEnv");
    return undefined;
  }
  const password = secret?.secret ?? target.password;
  refuseOpenRedis(
    reading,
    target,
    password !== undefined || reading.hasProblem(["redis", "passwordFile"]) || reading.hasProblem(["redis", "passwordEnv"]),
  );
  return { ...target, ...(password !== undefined && { password }), ...(caFile !== undefined && { caFile }) };
}

/** Whoever reaches an open Redis reads all mail and owns the fleet (T14). */
function refuseOpenRedis(reading: Reading, target: RedisTarget, hasPassword: boolean): void {
  if (target.path !== undefined || isLoopback(target.host)) return;
  const lacks = [!target.tls && "TLS", !hasPassword && "a password"].filter((word) => word !== false);
  if (lacks.length === 0) return;
  reading.report(
    urlPath,
    `is another machine, without ${lacks.join(" and without ")}`,
    "expected rediss:// and a password (passwordFile or passwordEnv)",
  );
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text.trim());
  } catch {
    return undefined;
  }
}

function targetOf(url: URL): RedisTarget | undefined {
  const user = decoded(url.username);
  const pass = decoded(url.password);
  if (user === undefined || pass === undefined || url.hash !== "") return undefined;
  const login = { ...(user !== "" && { username: user }), ...(pass !== "" && { password: new Secret(pass) }) };
  const isSocket = url.protocol === "unix:" || url.protocol === "redis+unix:";
  const query = [...url.searchParams];
  if (query.some(([name]) => name !== "db")) return undefined;
  const db = dbNumber(url.searchParams.get("db") ?? (isSocket ? "" : url.pathname.slice(1)));
  if (db === undefined) return undefined;
  if (isSocket) {
    const path = decoded(url.pathname);
    if (path === undefined || path.length < 2 || url.hostname !== "") return undefined;
    return { host: "localhost", port: 0, ...login, db, tls: false, path };
  }
  if ((url.protocol !== "redis:" && url.protocol !== "rediss:") || url.hostname === "") return undefined;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { host, port: url.port === "" ? 6379 : Number(url.port), ...login, db, tls: url.protocol === "rediss:" };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function dbNumber(text: string): number | undefined {
  if (text === "") return 0;
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}
