import { actionVerbs, type Frame, type PageAnswer, type PageData, readMailboxQuery, rowsOfPage, selectRows } from "@mailfleet/core/console";
import type { Person, Session } from "../http/sessions.ts";
import { aboutPage } from "./about-page.ts";
import { fleetPage } from "./fleet-page.ts";
import { lettersPage } from "./letters-page.ts";
import { mailboxPage } from "./mailbox-page.ts";
import type { PageSources } from "./page-sources.ts";
import { causePage, tenantPage } from "./stopped-pages.ts";

/** More rows than this are searched for, not scrolled to. */
const mostRows = 2_000;
const entriesOfPage = 100;

/** The page behind a path with its query, such as `/mailboxes?state=parked`. */
export async function answerPage(sources: PageSources, path: string, session: Session): Promise<PageAnswer> {
  await sources.live.attend();
  const page = await pageOfPath(sources, path, session);
  return { frame: frameOf(sources, session), page };
}

function frameOf({ live, config, version, sandbox, access, options }: PageSources, session: Session): Frame {
  const { at, process, revision, factsAt, trouble } = live.beat();
  const { sentence, deadLetters } = live.memory.summary;
  return {
    at,
    process,
    revision,
    factsAt,
    ...(trouble !== undefined && { trouble }),
    fleet: config.name,
    version,
    isSandbox: sandbox !== undefined,
    freshWithinMs: config.sync.freshWithinSeconds * 1_000,
    you: access.you(session),
    token: session.token,
    sentence,
    deadLetters,
    options,
  };
}

async function pageOfPath(sources: PageSources, path: string, person: Person): Promise<PageData> {
  const [pathname = "/", query = ""] = path.split("?", 2);
  const params = new URLSearchParams(query);
  const parts = pathname.split("/").slice(1).map(decoded);
  if (parts.includes(undefined)) return notFound("this address");
  const [first, ...rest] = parts as string[];
  if (first === "" && rest.length === 0) return { name: "fleet", data: await fleetPage(sources) };
  if (first === "mailboxes" && rest.length === 0) return { name: "mailboxes", data: mailboxesPage(sources, params) };
  if (first === "mailboxes" && rest.length === 2) return mailboxPage(sources, `${rest[0]}/${rest[1]}`);
  if (first === "causes" && rest.length === 1) return causePage(sources, rest[0] ?? "");
  if (first === "tenants" && rest.length === 1) return tenantPage(sources, rest[0] ?? "");
  if (first === "dead-letters" && rest.length === 0) return { name: "dead-letters", data: await lettersPage(sources, params) };
  if (first === "activity" && rest.length === 0) return activityPage(sources, params);
  if (first === "about" && rest.length === 0) return { name: "about", data: await aboutPage(sources, person) };
  if (first === "sandbox" && rest.length === 0 && sources.sandbox) return { name: "sandbox", data: await sources.sandbox.page() };
  return notFound("this address");
}

function notFound(what: string): PageData {
  return { name: "not-found", data: { what } };
}

function mailboxesPage({ live }: PageSources, params: URLSearchParams) {
  const query = readMailboxQuery((name) => params.get(name));
  const shown = Math.min(mostRows, Math.max(rowsOfPage, Math.floor(Number(params.get("shown") ?? rowsOfPage)) || rowsOfPage));
  return { ...selectRows(live.memory.rows(), query, live.now(), shown), query, shown, causes: live.memory.causes };
}

async function activityPage({ activity }: PageSources, params: URLSearchParams): Promise<PageData> {
  const who = params.get("who") === "people" ? "people" : params.get("who") === "mailfleet" ? "mailfleet" : "both";
  const tenant = params.get("tenant") ?? undefined;
  const what = actionVerbs.find((verb) => verb === params.get("what"));
  const before = params.get("before") ?? undefined;
  const question = {
    who,
    ...(tenant !== undefined && { tenant }),
    ...(what !== undefined && { what }),
    ...(before !== undefined && { before }),
    count: entriesOfPage,
  } as const;
  const found = await activity(question);
  return { name: "activity", data: { ...found, who, ...(tenant !== undefined && { tenant }), ...(what !== undefined && { what }) } };
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
