import { redisKeys, type RedisNode, type Secret } from "@mailfleet/core";
import type { RedisTarget } from "./config.ts";
import { readSecret, requireFile } from "./files.ts";
import { isLoopback } from "./hosts.ts";
import type { Reading } from "./reading.ts";
import { passwordOf, readRedisNode, readRedisUrl, type RedisUrl } from "./redis-url.ts";
import type { FileConfig } from "./schema.ts";
import type { Path } from "./yaml-source.ts";

type RedisBlock = NonNullable<FileConfig["redis"]>;

/** The ways beside `url` to say where Redis is; one of all. */
export const redisForms = ["urls", "cluster", "sentinels"] as const;

const expectedUrl = "expected redis://host:port, rediss://host:port (TLS) or unix:///path";
const expectedNode = "expected host:port, redis://host:port or rediss://host:port (TLS), without database";
const passwordKeys = { file: "passwordFile", env: "passwordEnv" } as const;

/** The external Redis, or undefined when none is named (or after reporting). */
export function resolveRedis(reading: Reading, redis: FileConfig["redis"], name: string): RedisTarget | undefined {
  if (redis === undefined) return undefined;
  const given = readSecret(reading, ["redis"], { file: redis.passwordFile, env: redis.passwordEnv }, passwordKeys)?.secret;
  const hasPassword = given !== undefined || passwordProblem(reading, ["redis"]);
  const caFile = redis.caFile === undefined ? undefined : requireFile(reading, ["redis", "caFile"], redis.caFile);
  const every = ["url", ...redisForms] as const;
  const forms = every.filter((form) => redis[form] !== undefined);
  const [form] = forms;
  if (form === undefined) {
    if (!every.some((one) => reading.hasProblem(["redis", one]))) reading.report(["redis", "url"], "is missing", expectedUrl);
    return undefined;
  }
  if (forms.length > 1) reading.report(["redis"], `has ${forms.join(" and ")}`, "expected one of them");
  if (redis.username !== undefined && (form === "url" || form === "urls"))
    reading.report(["redis", "username"], `stands beside ${form}`, "expected it in the URL: redis://USER@host:port");
  const { url, urls, cluster } = redis;
  const target =
    url !== undefined
      ? server(reading, ["redis", "url"], url, given, hasPassword)
      : urls !== undefined
        ? servers(reading, urls, given, hasPassword)
        : cluster !== undefined
          ? clusterTarget(reading, redis, name, given, hasPassword)
          : sentinelTarget(reading, redis, given, hasPassword);
  return target && { ...target, ...(caFile !== undefined && { caFile }) };
}

/** Each server has a shard at least, so there are as many unless more are asked for. */
export function resolveShards(reading: Reading, shards: number | undefined, redis: RedisTarget | undefined): number {
  const count = 1 + (redis?.others?.length ?? 0);
  if (shards !== undefined && shards < count)
    reading.report(["shards"], `is ${shards}, and redis.urls has ${count} servers`, "expected a shard for each of them at least");
  return shards ?? count;
}

function server(reading: Reading, path: Path, text: string, given: Secret | undefined, hasPassword: boolean): RedisTarget | undefined {
  const url = checked(reading, path, text, readRedisUrl(text), expectedUrl);
  if (url === undefined) return undefined;
  const password = given ?? url.target.password;
  refuseOpenRedis(reading, path, url.target, password !== undefined || hasPassword);
  return { ...url.target, ...(password !== undefined && { password }) };
}

function servers(reading: Reading, urls: readonly string[], given: Secret | undefined, hasPassword: boolean): RedisTarget | undefined {
  const targets = urls.map((text, i) => server(reading, listPath(reading, ["redis", "urls"], i), text, given, hasPassword));
  const places = targets.map((target) => target && `${target.path ?? `${target.host}:${target.port}`}/${target.db}`);
  for (const [i, place] of places.entries())
    if (place !== undefined && places.indexOf(place) < i)
      reading.report(listPath(reading, ["redis", "urls"], i), "is in the list before", "expected each server once");
  const [first, ...others] = targets;
  if (first === undefined || others.includes(undefined)) return undefined;
  return { ...first, ...(others.length > 0 && { others: others.filter((one) => one !== undefined) }) };
}

function clusterTarget(
  reading: Reading,
  redis: RedisBlock,
  name: string,
  given: Secret | undefined,
  hasPassword: boolean,
): RedisTarget | undefined {
  const found = nodeList(reading, ["redis", "cluster"], redis.cluster ?? [], 6379, given, hasPassword, redis.username);
  return found && { ...found.target, cluster: { nodes: found.nodes, slotOf: redisKeys(name).bullPrefix } };
}

function sentinelTarget(reading: Reading, redis: RedisBlock, given: Secret | undefined, hasPassword: boolean): RedisTarget | undefined {
  const { nodes, name, username, passwordFile, passwordEnv, db } = redis.sentinels ?? {};
  const path = ["redis", "sentinels"];
  const own = readSecret(reading, path, { file: passwordFile, env: passwordEnv }, passwordKeys)?.secret;
  if (nodes === undefined || name === undefined) return undefined;
  const found = nodeList(reading, [...path, "nodes"], nodes, 26_379, given, hasPassword, redis.username);
  const login = { ...(username !== undefined && { username }), ...(own !== undefined && { password: own }) };
  return found && { ...found.target, db: db ?? 0, sentinels: { nodes: found.nodes, name, ...login } };
}

/** Nodes of one kind: with or without TLS all of them, and one user. */
function nodeList(
  reading: Reading,
  path: Path,
  texts: readonly string[],
  defaultPort: number,
  given: Secret | undefined,
  hasPassword: boolean,
  username: string | undefined,
): { target: RedisTarget; nodes: readonly RedisNode[] } | undefined {
  const urls = texts.map((text, i) => {
    const at = listPath(reading, path, i);
    const url = checked(reading, at, text, readRedisNode(text, defaultPort), expectedNode);
    if (url) refuseOpenRedis(reading, at, url.target, (given ?? url.target.password) !== undefined || hasPassword);
    return url?.target;
  });
  const known = urls.filter((one) => one !== undefined);
  const [first] = known;
  if (first === undefined || known.length < urls.length) return undefined;
  for (const what of ["tls", "username"] as const)
    if (known.some((one) => one[what] !== first[what]))
      reading.report(path, what === "tls" ? "has nodes with and without TLS" : "has nodes with different users", "expected all alike");
  const password = given ?? known.find((one) => one.password !== undefined)?.password;
  const user = username ?? first.username;
  const login = { ...(user !== undefined && { username: user }), ...(password !== undefined && { password }) };
  const { host, port, tls } = first;
  return { target: { host, port, ...login, db: 0, tls }, nodes: known.map((one) => ({ host: one.host, port: one.port })) };
}

/** Of a list that the environment gives, the variable is named. */
function listPath(reading: Reading, path: Path, i: number): Path {
  return reading.isFromEnvironment(path) ? path : [...path, i];
}

function checked(reading: Reading, path: Path, text: string, url: RedisUrl | undefined, expected: string): RedisUrl | undefined {
  const password = passwordOf(text);
  if (password !== undefined) reading.hide(password);
  if (url === undefined) {
    reading.report(path, `is no ${expected === expectedUrl ? "Redis URL" : "address of Redis"} (not shown)`, expected);
    return undefined;
  }
  if (url.hasPassword && !reading.isFromEnvironment(path)) {
    reading.report(path, "has a password in the file (not shown)", "expected passwordFile or passwordEnv");
    return undefined;
  }
  return url;
}

function passwordProblem(reading: Reading, path: Path): boolean {
  return reading.hasProblem([...path, "passwordFile"]) || reading.hasProblem([...path, "passwordEnv"]);
}

/** Whoever reaches an open Redis reads all mail and owns the fleet (T14). */
function refuseOpenRedis(reading: Reading, path: Path, target: RedisTarget, hasPassword: boolean): void {
  if (target.path !== undefined || isLoopback(target.host)) return;
  const lacks = [!target.tls && "TLS", !hasPassword && "a password"].filter((word) => word !== false);
  if (lacks.length === 0) return;
  reading.report(
    path,
    `is another machine, without ${lacks.join(" and without ")}`,
    "expected rediss:// and a password (passwordFile or passwordEnv)",
  );
}
