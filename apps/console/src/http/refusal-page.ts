import { STATUS_CODES } from "node:http";
import { noticePage, readPreferences } from "@mailfleet/web";
import type { FastifyRequest } from "fastify";
import type { Refusal } from "./refusal.ts";

/** A person's browser that loads a page, and not one of our pages that asks for data. */
export function wantsPage({ method, headers }: Pick<FastifyRequest, "method" | "headers">): boolean {
  return (method === "GET" || method === "HEAD") && (headers.accept ?? "").includes("text/html");
}

/** What such a page loads. */
export interface NoticeFiles {
  /** Addresses of the style sheets. */
  readonly styles: readonly string[];
  /** Address of the module that loads the page when it can be made; absent where the console serves no modules. */
  readonly entry?: string;
}

/** The words of a refusal, for eyes. What fails for the moment alone loads by itself later. */
export function refusalPage({ code, status, message, more }: Refusal, cookies: string | undefined, { styles, entry }: NoticeFiles): string {
  const { todo, command } = more;
  return noticePage({
    title: STATUS_CODES[status] ?? "Refused",
    what: message,
    ...(todo !== undefined && { todo }),
    ...(command !== undefined && { command }),
    preferences: readPreferences(cookies),
    styles,
    ...(code === "NOT_LIVE" && entry !== undefined && { entry }),
  });
}
