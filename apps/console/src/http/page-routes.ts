import type { FastifyReply, FastifyRequest } from "fastify";
import type { ServedFile } from "../assets/browser-set.ts";
import type { PageSources } from "../pages/page-sources.ts";
import { answerPage } from "../pages/page-of-path.ts";
import { within } from "../within.ts";
import type { Access } from "./access.ts";
import { type ConsoleServer, healthPath } from "./console-server.ts";
import { localPath, onwards } from "./onwards.ts";
import { Refusal } from "./refusal.ts";
import type { Views } from "./views.ts";

const pagePaths = [
  "/",
  "/mailboxes",
  "/mailboxes/:tenant/:address",
  "/causes/:id",
  "/tenants/:alias",
  "/dead-letters",
  "/activity",
  "/about",
  "/sandbox",
];
const yearSeconds = 31_536_000;
/**
 * While Redis is away it holds back what it is asked. A page that stands waits for it, under its banner; who looks at nothing yet is told.
 * Longer than the fleet's own look has, after which what is in memory is shown as it was.
 */
const patienceMs = 10_000;

/** Pages with their first data in them, and the files that they load. */
export function addPageRoutes(server: ConsoleServer, sources: PageSources, access: Access, views: Views): void {
  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { cookie } = request.headers;
    const { session } = request;
    void reply.type("text/html; charset=utf-8");
    // The address stays: after signing in the same page is loaded.
    if (session === null) {
      // Somebody may well be signed in: another site's link leaves the session's cookie behind. The second request says who it is.
      if (access.ways.length > 0 && /^(cross|same)-site$/.test(request.headers["sec-fetch-site"] ?? ""))
        return reply.send(onwards("mailfleet", localPath(request.url)));
      const shell = views.shell({ page: { name: "login", data: { token: access.openToken, ways: access.ways } } }, cookie);
      return reply.code(access.ways.length > 0 ? 401 : 403).send(shell);
    }
    const found = await within(sources.clock, patienceMs, answerPage(sources, request.url, session), notLive);
    return reply.code(found.page.name === "not-found" ? 404 : 200).send(views.shell(found, cookie));
  };
  for (const path of pagePaths) server.reads(path, "anyone", show);

  const send = (request: FastifyRequest, reply: FastifyReply, file: ServedFile, maxAge: number): FastifyReply => {
    const accepted = request.headers["accept-encoding"] ?? "";
    const encoding = /\bbr\b/.test(accepted) ? "br" : /\bgzip\b/.test(accepted) ? "gzip" : undefined;
    void reply.headers({
      "content-type": file.type,
      "cache-control": `public, max-age=${maxAge}${maxAge === yearSeconds ? ", immutable" : ""}`,
      vary: "accept-encoding",
      ...(encoding !== undefined && { "content-encoding": encoding }),
    });
    return reply.send(file[encoding ?? "plain"]);
  };
  const { set } = views;
  // By the whole path, exactly: what is not in the set is not there, however it is spelt.
  server.reads("/m/*", "anyone", async (request, reply) => {
    const file = set?.files.get(request.url);
    if (file === undefined) throw new Refusal("NOT_FOUND", "There is no such file; load the page again.");
    return send(request, reply, file, yearSeconds);
  });
  server.reads("/favicon.svg", "anyone", async (request, reply) => {
    if (set === undefined) throw new Refusal("NOT_FOUND", "There is no icon.");
    return send(request, reply, set.favicon, 86_400);
  });
  // For a container's health check: whether it answers, and nothing about the fleet (T55).
  server.reads(healthPath, "anyone", async () => ({ ok: true }), { isAutomatic: true });
}

function notLive(): Refusal {
  return new Refusal("NOT_LIVE", "Redis does not answer, so this page cannot be made now.", { todo: "Load it again in a moment." });
}
