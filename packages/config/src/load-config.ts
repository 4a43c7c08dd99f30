import { dirname, resolve } from "node:path";
import { canonicalAddress, limits, type PushChoice, pushChooser, Secret, tokenKeyLines } from "@mailfleet/core";
import { checkShape, isTree } from "./check-shape.ts";
import type { Config, ConfigProblem, ConfigResult, SyncConfig, TenantConfig, TokenCacheConfig } from "./config.ts";
import { environmentLeaves, environmentValue, type Environment } from "./environment.ts";
import {
  decodeText,
  readErrorWords,
  readLocalFile,
  readNamedText,
  readSecret,
  warnIfPublic,
  type FileContent,
  type ReadFile,
} from "./files.ts";
import { parseListen } from "./hosts.ts";
import { nearestName } from "./nearest.ts";
import { startReading, type Reading } from "./reading.ts";
import { redisForms, resolveRedis, resolveShards } from "./redis-places.ts";
import { resolveBlobs } from "./resolve-blobs.ts";
import { resolveConsole } from "./resolve-console.ts";
import { resolveTraces } from "./resolve-traces.ts";
import { resolveTenant } from "./resolve-tenant.ts";
import type { SeenMailboxes } from "./resolve-mailboxes.ts";
import { aliasPattern, expectedPollSeconds, fileSchema, type FileConfig } from "./schema.ts";
import { describeValue } from "./show.ts";
import { readYaml, type Path, type YamlSource } from "./yaml-source.ts";

export interface LoadOptions {
  /** The YAML file, relative to `cwd`. Absent: environment and defaults only, and `tenants` is empty. */
  readonly file?: string;
  readonly env: Environment;
  /** Absolute. */
  readonly cwd: string;
  /** The file system, if it is another than the local one. */
  readonly readFile?: ReadFile;
}

/**
 * Reads, checks and completes the configuration; nothing is started, written or connected. Reports all problems at once, never
 * throws, and puts no secret into a problem.
 */
export function loadConfig(options: LoadOptions): ConfigResult {
  const readFile = options.readFile ?? readLocalFile;
  const file = options.file === undefined ? undefined : resolve(options.cwd, options.file);
  const source = file === undefined ? readYaml("") : readSource(file, readFile);
  if (!source.isReadable) return { ok: false, problems: source.problems };
  const tree = source.value ?? Object.create(null);
  if (!isTree(tree))
    return {
      ok: false,
      problems: [{ line: 1, path: "", found: "the file is not a map of settings", expected: "expected keys such as tenants" }],
    };

  const variables = overlay(tree, options.env);
  if (file === undefined) tree["tenants"] ??= Object.create(null) as object;
  const record = startReading(
    { folder: file === undefined ? options.cwd : dirname(file), env: options.env, readFile },
    {
      lineOf: file === undefined ? () => undefined : (path) => source.lineOf(path),
      variableAt: (path) => variables.get(JSON.stringify(path)),
    },
  );
  record.include(source.problems);
  const config = resolveConfig(record.reading, tree, file !== undefined);
  warnOfUnknownVariables(record.reading, options.env);
  const problems = record.problems();
  if (problems.length > 0 || config === undefined) return { ok: false, problems };
  return { ok: true, config: deepFreeze(config), warnings: record.warnings() };
}

/** Values that no log may show; give them to `createScrubber` of core. */
export function secretsOf(config: Config): readonly string[] {
  const secrets: string[] = [];
  const visit = (value: unknown): void => {
    if (value instanceof Secret) secrets.push(value.reveal());
    else if (typeof value === "object" && value !== null) Object.values(value).forEach(visit);
  };
  visit(config);
  return secrets;
}

function readSource(file: string, readFile: ReadFile): YamlSource {
  const failed = (found: string): YamlSource => {
    const problem: ConfigProblem = { line: undefined, path: "", found };
    return { value: undefined, problems: [problem], isReadable: false, lineOf: () => 1 };
  };
  let content: FileContent;
  try {
    content = readFile(file);
  } catch (error) {
    const words = readErrorWords(error);
    return failed(`the file cannot be read${words === undefined ? "" : `: ${words}`}`);
  }
  const decoded = decodeText(content.bytes);
  return "text" in decoded ? readYaml(decoded.text) : failed(`the file ${decoded.problem}; expected UTF-8 text`);
}

/** Puts the environment's values over the file's. Gives the variable's name by path. */
function overlay(tree: Record<string, unknown>, env: Environment): Map<string, string> {
  const variables = new Map<string, string>();
  for (const { name, path, schema } of environmentLeaves(fileSchema)) {
    const text = env[name];
    if (text !== undefined && text !== "" && setAt(tree, path, environmentValue(schema, text))) variables.set(JSON.stringify(path), name);
  }
  const urlPath = ["redis", "url"];
  const common = env["REDIS_URL"];
  const redis = tree["redis"];
  const isNamed = isTree(redis) && (typeof redis["url"] === "string" || redisForms.some((form) => Object.hasOwn(redis, form)));
  if (common !== undefined && common !== "" && !isNamed && setAt(tree, urlPath, common))
    variables.set(JSON.stringify(urlPath), "REDIS_URL");
  return variables;
}

/** False when something that is no map is in the way; that is then a problem of the file. */
function setAt(tree: Record<string, unknown>, path: Path, value: unknown): boolean {
  let parent = tree;
  for (const part of path.slice(0, -1)) {
    const next = (parent[String(part)] ??= Object.create(null) as object);
    if (!isTree(next)) return false;
    parent = next;
  }
  parent[String(path.at(-1))] = value;
  return true;
}

function resolveConfig(reading: Reading, tree: Record<string, unknown>, hasFile: boolean): Config | undefined {
  if (reading.env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0") {
    reading.reportVariable(
      "NODE_TLS_REJECT_UNAUTHORIZED",
      "is 0: every certificate would be believed",
      "expected it unset; use caFile for an authority of your own",
    );
  }
  const file = checkShape(reading, tree);
  const name = file.name ?? "mailfleet";
  const redis = resolveRedis(reading, file.redis, name);
  const shards = resolveShards(reading, file.shards, redis);
  const tenants = resolveTenants(reading, file, hasFile);
  const sync = resolveSync(reading, file.sync, Object.values(tenants));
  const dataDir = resolve(reading.folder, file.dataDir ?? ".mailfleet");
  const traces = resolveTraces(reading, file.traces);
  return {
    name,
    dataDir,
    ...(redis !== undefined && { redis }),
    shards,
    tenants,
    sync,
    downstream: {
      highWater: file.downstream?.highWater ?? limits.queueHighWater,
      highWaterBytes: file.downstream?.highWaterBytes ?? limits.queueHighWaterBytes,
      deadLetters: file.downstream?.deadLetters ?? limits.queueDeadLetters,
    },
    blobs: resolveBlobs(reading, file.blobs, dataDir),
    worker: {
      lane: file.worker?.lane ?? "both",
      parseThreads: file.worker?.parseThreads ?? 1,
      memoryMb: file.worker?.memoryMb ?? 768,
    },
    tokenCache: resolveTokenCache(reading, file.tokenCache),
    log: { mailboxes: file.log?.mailboxes ?? "plain" },
    ...resolveMetrics(reading, file.metrics),
    ...(traces && { traces }),
    console: resolveConsole(reading, file.console),
  };
}

function resolveTenants(reading: Reading, file: FileConfig, hasFile: boolean): Record<string, TenantConfig> {
  const tenants = Object.create(null) as Record<string, TenantConfig>;
  const seen: SeenMailboxes = new Map();
  const named = Object.entries(file.tenants ?? {});
  if (hasFile && named.length === 0 && !reading.hasProblem(["tenants"]))
    reading.report(["tenants"], "is empty", "expected at least one tenant");
  for (const [alias, tenant] of named) {
    if (!aliasPattern.test(alias))
      reading.report(
        ["tenants", alias],
        "is no alias",
        "expected up to 63 lower-case letters, digits, - and _, beginning with a letter or digit",
      );
    const resolved = resolveTenant(reading, alias, tenant, seen);
    if (resolved === undefined) continue;
    tenants[alias] = resolved;
    if (tenant.mailboxes === undefined && tenant.mailboxesFile === undefined) {
      reading.warn(["tenants", alias], "has no mailboxes", "expected mailboxes or mailboxesFile, or mailfleet mailboxes import");
    }
  }
  return tenants;
}

function resolveSync(reading: Reading, sync: FileConfig["sync"], tenants: readonly TenantConfig[]): SyncConfig {
  const pollSeconds = sync?.pollSeconds ?? 300;
  const isAllCustom = tenants.every((tenant) => tenant.cloud === "custom");
  if (pollSeconds < 10 && !isAllCustom) reading.report(["sync", "pollSeconds"], describeValue(pollSeconds), expectedPollSeconds);
  const freshWithinSeconds = sync?.freshWithinSeconds ?? Math.max(600, 2 * pollSeconds);
  if (freshWithinSeconds <= pollSeconds) {
    reading.warn(
      ["sync", "freshWithinSeconds"],
      `is ${freshWithinSeconds}, and pollSeconds is ${pollSeconds}: each is looked at more often to keep it`,
      "expected at least twice pollSeconds",
    );
  }
  return {
    pollSeconds,
    freshWithinSeconds,
    backfill: sync?.backfill ?? true,
    folders: { include: sync?.folders?.include ?? ["*"], exclude: sync?.folders?.exclude ?? [] },
    concurrency: sync?.concurrency ?? 8,
    backfillConcurrency: sync?.backfillConcurrency ?? 4,
    perTenantInFlight: sync?.perTenantInFlight ?? 16,
    perHostInFlight: sync?.perHostInFlight ?? limits.perHostInFlight,
    ...(sync?.loginsPerSecond !== undefined && { loginsPerSecond: sync.loginsPerSecond }),
    push: resolvePush(reading, sync?.push, tenants),
    pushConnections: sync?.pushConnections ?? limits.pushConnections,
    slice: {
      messages: sync?.slice?.messages ?? limits.sliceMessages,
      bytes: sync?.slice?.bytes ?? limits.sliceBytes,
      seconds: sync?.slice?.seconds ?? limits.sliceMs / 1000,
    },
    changes: {
      recentSeconds: sync?.changes?.recentSeconds ?? limits.compareRecentMs / 1000,
      wholeSeconds: sync?.changes?.wholeSeconds ?? limits.compareWholeMs / 1000,
      recentMessages: sync?.changes?.recentMessages ?? limits.compareRecentUids,
    },
    pop3: { quit: sync?.pop3?.quit ?? false },
  };
}

/** An address that no mailbox has is more often a slip than one that is still to be imported. */
function resolvePush(reading: Reading, push: PushChoice | undefined, tenants: readonly TenantConfig[]): PushChoice {
  if (push === undefined || typeof push === "string") return push ?? "none";
  for (const [i, entry] of push.entries()) {
    const matches = pushChooser([entry]);
    const isKnown = tenants.some(({ alias, mailboxes }) => mailboxes.some((mailbox) => matches({ ...mailbox, tenant: alias })));
    if (!isKnown)
      reading.warn(["sync", "push", i], `${describeValue(entry)}, which no IMAP mailbox of this file has`, "expected one that has");
  }
  return push.map(canonicalAddress);
}

/** Keys are changed by adding a line, so this file may have several. */
function resolveTokenCache(reading: Reading, cache: FileConfig["tokenCache"]): TokenCacheConfig {
  const path: Path = ["tokenCache"];
  if (cache?.keyFile === undefined) {
    const given = readSecret(reading, path, { env: cache?.keyEnv }, { file: "keyFile", env: "keyEnv" });
    return given === undefined ? {} : keysOf(reading, [...path, "keyEnv"], given.secret.reveal());
  }
  if (cache.keyEnv !== undefined) {
    reading.report(path, "has both keyFile and keyEnv", "expected one of them");
    return {};
  }
  const found = readNamedText(reading, [...path, "keyFile"], cache.keyFile);
  if (found === undefined) return {};
  warnIfPublic(reading, [...path, "keyFile"], found);
  const keys = keysOf(reading, [...path, "keyFile"], found.text);
  return keys.keys === undefined ? {} : { ...keys, keyFile: found.file };
}

function keysOf(reading: Reading, path: Path, text: string): TokenCacheConfig {
  for (const line of text.split("\n")) reading.hide(line.trim());
  const lines = tokenKeyLines(text);
  if (lines !== undefined) return { keys: lines.map((line) => new Secret(line)) };
  reading.report(
    path,
    "is not a key of 32 bytes (not shown)",
    "expected 64 hex digits or 44 base64 characters, as openssl rand -hex 32 makes",
  );
  return {};
}

function resolveMetrics(reading: Reading, given: FileConfig["metrics"]): Pick<Config, "metrics"> {
  if (given?.listen === undefined) return {};
  const listen = parseListen(given.listen);
  if (listen === undefined)
    reading.report(["metrics", "listen"], describeValue(given.listen), "expected an address and a port, such as 127.0.0.1:9464");
  return listen === undefined ? {} : { metrics: { listen } };
}

/** A misspelt variable does nothing, silently; only near misses are told, because others' tools set MAILFLEET_ names too. */
function warnOfUnknownVariables(reading: Reading, env: Environment): void {
  const known = environmentLeaves(fileSchema).map((leaf) => leaf.name);
  for (const name of Object.keys(env)) {
    if (!name.startsWith("MAILFLEET_") || known.includes(name)) continue;
    const meant = nearestName(
      name.slice(10),
      known.map((other) => other.slice(10)),
    );
    if (meant !== undefined) reading.warnVariable(name, "is not known", `did you mean MAILFLEET_${meant}?`);
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}
