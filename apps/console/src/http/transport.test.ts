import type { FastifyRequest } from "fastify";
import { expect, test } from "vitest";
import { transportCheck } from "./transport.ts";

const asked = (remoteAddress: string, proto?: string): FastifyRequest =>
  ({ socket: { remoteAddress }, headers: proto === undefined ? {} : { "x-forwarded-proto": proto } }) as unknown as FastifyRequest;

const behindProxies = { trustedProxies: ["10.0.0.2", "192.168.0.0/16", "fd00::/8"] };

test.each([
  ["this machine, as health checks and port forwards come", asked("127.0.0.1"), "passes"],
  ["this machine by IPv6", asked("::1"), "passes"],
  ["a named proxy that speaks TLS", asked("10.0.0.2", "https"), "passes"],
  ["a named proxy that does not say", asked("::ffff:10.0.0.2"), "passes"],
  ["a proxy of a named network", asked("192.168.7.7", "https"), "passes"],
  ["a proxy of a named network of IPv6", asked("fd00::17"), "passes"],
  ["a named proxy that was reached in the clear", asked("10.0.0.2", "http"), "is refused"],
  ["a named proxy behind another that was reached by TLS", asked("10.0.0.2", "https, http"), "is refused"],
  ["anybody else", asked("10.0.0.3"), "is refused"],
  ["anybody else who claims TLS", asked("10.0.0.3", "https"), "is refused"],
  ["no address", asked(""), "is refused"],
])("%s %s", (_what, request, outcome) => {
  const check = (): void => transportCheck(behindProxies)(request);
  if (outcome === "passes") expect(check).not.toThrow();
  else expect(check).toThrow(expect.objectContaining({ code: "NOT_ENCRYPTED" }));
});

test("with TLS of its own everybody may come, and a proxy that signs people in is one of the proxies", () => {
  const tls = { certFile: "/cert.pem", keyFile: "/key.pem" };
  expect(() => transportCheck({ trustedProxies: [], tls })(asked("203.0.113.9"))).not.toThrow();
  const auth = { kind: "proxy", header: "x-user", from: ["10.0.0.9"], operators: [] } as const;
  expect(() => transportCheck({ trustedProxies: [], auth })(asked("10.0.0.9", "https"))).not.toThrow();
  expect(() => transportCheck({ trustedProxies: [], auth })(asked("10.0.0.8", "https"))).toThrow("only its proxies are answered");
});
