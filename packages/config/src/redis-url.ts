import { Secret } from "@mailfleet/core";
import type { RedisTarget } from "./config.ts";

/** A URL of Redis as written. */
export interface RedisUrl {
  readonly target: RedisTarget;
  /** It names a password itself. */
  readonly hasPassword: boolean;
}

/** `redis://`, `rediss://` or `unix:///`, or undefined for anything else. */
export function readRedisUrl(text: string): RedisUrl | undefined {
  const url = parseUrl(text);
  const target = url && targetOf(url);
  return url && target && { target, hasPassword: url.password !== "" };
}

/** A node of a cluster or a sentinel: a URL without path, or `host:port`. */
export function readRedisNode(text: string, defaultPort: number): RedisUrl | undefined {
  const trimmed = text.trim();
  const isUrl = trimmed.includes("://");
  const url = readRedisUrl(isUrl ? trimmed : `redis://${trimmed}`);
  if (url === undefined || url.target.path !== undefined || url.target.db !== 0) return undefined;
  if (!isUrl && (url.target.username !== undefined || url.target.password !== undefined)) return undefined;
  const hasPort = /:\d+\/?$/.test(trimmed);
  return hasPort ? url : { ...url, target: { ...url.target, port: defaultPort } };
}

/** The password as a URL has it, to hide it wherever it is shown. */
export function passwordOf(text: string): string | undefined {
  return parseUrl(text)?.password || undefined;
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
