import type { FastifyRequest } from "fastify";
import { everyMailbox, type FindAnswer, historySpans, type MailboxRow, type RowsAnswer, selectRows } from "@mailfleet/core/console";
import { canonicalAddress } from "@mailfleet/core";
import { answerPage } from "../pages/page-of-path.ts";
import type { PageSources } from "../pages/page-sources.ts";
import type { Access } from "./access.ts";
import type { ConsoleServer } from "./console-server.ts";
import type { EventStreams } from "./event-streams.ts";
import { Refusal } from "./refusal.ts";
import type { Session } from "./sessions.ts";

/** A page shows no more rows than this. */
const mostRows = 2_000;
const foundMailboxes = 8;
const longestQuery = 200;

/** What pages ask for while they are open. None of it changes anything. */
export function addReadRoutes(server: ConsoleServer, sources: PageSources, access: Access, streams: EventStreams): void {
  const { live, history } = sources;
  const automatic = { isAutomatic: true };

  server.reads(
    "/api/page",
    "viewer",
    async (request) => answerPage(sources, parameter(request, "path") ?? "/", personOf(request)),
    automatic,
  );

  server.reads(
    "/api/rows",
    "viewer",
    async (request): Promise<RowsAnswer> => {
      await live.attend();
      const numbers = (parameter(request, "rows") ?? "").split(",").slice(0, mostRows).map(Number);
      const rows = numbers.flatMap((number): MailboxRow | readonly MailboxRow[] => live.memory.row(number) ?? []);
      return { process: live.process, at: live.now(), rows };
    },
    automatic,
  );

  server.reads("/api/find", "viewer", async (request): Promise<FindAnswer> => {
    await live.attend();
    const search = canonicalAddress((parameter(request, "q") ?? "").slice(0, longestQuery));
    const { rows, total } = selectRows(live.memory.rows(), { ...everyMailbox, search, sort: "address" }, live.now(), foundMailboxes);
    const tenants = live.memory.summary.tenants.map(({ alias }) => alias).filter((alias) => alias.startsWith(search));
    return {
      mailboxes: rows.map(({ tenant, address, protocol }) => ({ tenant, address, protocol })),
      tenants: tenants.slice(0, foundMailboxes),
      total,
    };
  });

  server.reads(
    "/api/history",
    "viewer",
    async (request) => {
      const span = historySpans.find((one) => one === parameter(request, "span"));
      if (span === undefined) throw new Refusal("BAD_REQUEST", `There is no such span; there are ${historySpans.join(", ")}.`);
      return history(span, parameter(request, "tenant"));
    },
    automatic,
  );

  server.reads(
    "/api/stream",
    "viewer",
    async (request, reply) => {
      const stop = live.onPatch(() => undefined);
      try {
        // Whoever is not signed in any more hears no more of the fleet.
        const { name, role } = personOf(request);
        const who = access.isOpen ? undefined : `${role} ${name}`;
        streams.open(request, reply, { who, isAllowed: () => access.whoAsks(request, false) !== undefined }, stop);
      } catch (error) {
        stop();
        throw error;
      }
      return reply;
    },
    automatic,
  );
}

/** A query's value, where it was given once. */
function parameter(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  return typeof value === "string" ? value : undefined;
}

/** The guard has let nobody pass without. */
export function personOf({ session }: FastifyRequest): Session {
  if (session === null) throw new Refusal("NOT_SIGNED_IN", "Nobody is signed in.");
  return session;
}
