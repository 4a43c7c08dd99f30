import type { FastifyRequest } from "fastify";
import type { ConsoleConfig } from "@mailfleet/config";
import { AddressList, isLoopbackAddress } from "./address-list.ts";
import { Refusal } from "./refusal.ts";

/** Proxies whose X-Forwarded headers are believed. */
export function proxiesOf({ trustedProxies, auth }: Pick<ConsoleConfig, "trustedProxies" | "auth">): readonly string[] {
  return auth?.kind === "proxy" ? [...trustedProxies, ...auth.from] : trustedProxies;
}

/**
 * Refuses what crossed a network in the clear: with TLS of its own nothing does, and without it only this machine and the named proxies
 * are answered, which speak TLS to browsers.
 * @returns a check that throws Refusal NOT_ENCRYPTED
 */
export function transportCheck(config: Pick<ConsoleConfig, "trustedProxies" | "auth" | "tls">): (request: FastifyRequest) => void {
  if (config.tls !== undefined) return () => undefined;
  const proxies = new AddressList(proxiesOf(config));
  return ({ socket, headers }) => {
    const isFromProxy = proxies.has(socket.remoteAddress);
    if (!isFromProxy && !isLoopbackAddress(socket.remoteAddress))
      throw new Refusal("NOT_ENCRYPTED", "This console speaks plain HTTP, and only its proxies are answered.", {
        todo: "Open it by its https address. Its operator names proxies in console.trustedProxies, or gives it TLS in console.tls.",
      });
    // Nearest proxy last.
    const said = headers["x-forwarded-proto"];
    const scheme = typeof said === "string" ? said.split(",").at(-1)?.trim().toLowerCase() : undefined;
    if (isFromProxy && scheme === "http")
      throw new Refusal("NOT_ENCRYPTED", "The proxy in front was reached in the clear.", { todo: "Open the https address." });
  };
}
