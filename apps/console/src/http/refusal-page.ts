import { STATUS_CODES } from "node:http";
import { noticePage, readPreferences } from "@mailfleet/web";
import type { FastifyRequest } from "fastify";
import type { Refusal } from "./refusal.ts";

/** A person's browser that loads a page, and not one of our pages that asks for data. */
export function wantsPage({ method, headers }: Pick<FastifyRequest, "method" | "headers">): boolean {
  return (method === "GET" || method === "HEAD") && (headers.accept ?? "").includes("text/html");
}

/** The words of a refusal, for eyes. @param styles addresses of the style sheets */
export function refusalPage({ status, message, more }: Refusal, cookies: string | undefined, styles: readonly string[]): string {
  const { todo, command } = more;
  return noticePage({
    title: STATUS_CODES[status] ?? "Refused",
    what: message,
    ...(todo !== undefined && { todo }),
    ...(command !== undefined && { command }),
    preferences: readPreferences(cookies),
    styles,
  });
}
