import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import { Refusal } from "./refusal.ts";

/** Name of the header that no foreign page can send without asking first. */
const tokenHeader = "x-mailfleet-token";

const loopbackNames: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Refuses names that are not the console's own: a website whose name was pointed at this machine (DNS rebinding) comes with its own name
 * in `Host`. Loopback names pass with any port, because ports are mapped.
 * @param names further host names, lower case, without port
 * @throws Refusal WRONG_HOST
 */
export function checkHost(request: FastifyRequest, names: ReadonlySet<string>): void {
  const host = request.headers.host?.toLowerCase() ?? "";
  const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/.exec(host)?.[1];
  if (name !== undefined && (loopbackNames.has(name) || names.has(name))) return;
  throw new Refusal("WRONG_HOST", "The console does not answer under this name.", {
    todo: "Open it by the address that it was started with, or name this one in console.hosts.",
  });
}

/** The host names under which a console is reached that listens here. */
export function ownNames(listenHost: string, configured: readonly string[]): ReadonlySet<string> {
  const isWildcard = listenHost === "0.0.0.0" || listenHost === "::";
  const own = isIP(listenHost) === 6 ? `[${listenHost}]` : listenHost;
  return new Set([...(isWildcard ? [] : [own]), ...configured].map((name) => name.toLowerCase()));
}

/**
 * Only a page of the console itself may change anything: its origin is the host that was asked, the browser says so as well where it says
 * anything, the body is JSON, and the token is the session's own.
 * @throws Refusal FORGED
 */
export function checkOrigin(request: FastifyRequest, token: string): void {
  const { origin, host, "sec-fetch-site": site, "content-type": type = "" } = request.headers;
  const forged = (why: string): Refusal => new Refusal("FORGED", `The request does not come from a page of this console: ${why}.`);
  if (origin === undefined) throw forged("it has no Origin");
  if (!/^https?:\/\//.test(origin) || origin.replace(/^https?:\/\//, "").toLowerCase() !== host?.toLowerCase())
    throw forged("its Origin is another");
  if (site !== undefined && site !== "same-origin") throw forged("the browser says so");
  if (!/^application\/json\s*(;|$)/i.test(type)) throw forged("its body is no JSON");
  if (request.headers["x-http-method-override"] !== undefined) throw forged("it overrides its method");
  const given = request.headers[tokenHeader];
  if (typeof given !== "string" || !isSame(given, token)) throw forged("its token is missing or old; load the page again");
}

/** Takes as long for every difference. */
function isSame(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let different = 0;
  for (let i = 0; i < a.length; i++) different |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return different === 0;
}
