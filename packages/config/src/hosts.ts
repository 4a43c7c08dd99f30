import { BlockList, isIP } from "node:net";

/** True for names and addresses that never leave this machine, written plainly: `0x7f.1` is refused rather than understood. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

const linkLocal = new BlockList();
linkLocal.addSubnet("169.254.0.0", 16, "ipv4");
linkLocal.addSubnet("fe80::", 10, "ipv6");

/**
 * True for addresses that only a cloud's metadata service and neighbours on the wire have, however they are written: `0xa9fea9fe`,
 * `2852039166` and `[::ffff:169.254.169.254]` are such as well, because the system's resolver understands them. No mail host, login service or
 * bucket is there; whoever writes one into a configuration is after the machine's own credentials.
 */
export function isLinkLocal(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  const url = bare.includes(":") ? `http://[${bare}]` : `http://${bare}`;
  if (!URL.canParse(url)) return false;
  const name = new URL(url).hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  const family = isIP(name);
  return family !== 0 && linkLocal.check(name, family === 6 ? "ipv6" : "ipv4");
}

/** host and port of `127.0.0.1:8025`, `[::1]:8025` or `:8025`; undefined for anything else. */
export function parseListen(text: string): { host: string; port: number } | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]*):(\d{1,5})$/i.exec(text.trim());
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) return undefined;
  const host = (match[1] as string).replace(/^\[(.*)\]$/, "$1");
  return { host: host === "" ? "0.0.0.0" : host, port };
}
