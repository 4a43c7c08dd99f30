/** True for names and addresses that never leave this machine, written plainly: `0x7f.1` is refused rather than understood. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/** host and port of `127.0.0.1:8025`, `[::1]:8025` or `:8025`; undefined for anything else. */
export function parseListen(text: string): { host: string; port: number } | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]*):(\d{1,5})$/i.exec(text.trim());
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) return undefined;
  const host = (match[1] as string).replace(/^\[(.*)\]$/, "$1");
  return { host: host === "" ? "0.0.0.0" : host, port };
}
