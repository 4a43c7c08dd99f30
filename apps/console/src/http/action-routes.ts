import type { FastifyRequest } from "fastify";
import { type ActionRequest, type ActionTarget, actionVerbs, type TicketRequest } from "@mailfleet/core/console";
import type { ActionDesk } from "../actions/action-desk.ts";
import type { ConsoleServer } from "./console-server.ts";
import { personOf } from "./read-routes.ts";
import { Refusal } from "./refusal.ts";

const longestText = 1_000;
export const ticketVerbs = ["try", "park", "resume", "replay", "discard"] as const;

/** What changes something. Bodies are read member by member: what is not asked for is not there. */
export function addActionRoutes(server: ConsoleServer, desk: ActionDesk): void {
  server.changes("/api/tickets", "operator", async (request) => desk.ticket(readTicketRequest(request.body), personOf(request)));
  server.changes("/api/actions", "operator", async (request) => desk.perform(readActionRequest(request.body), personOf(request)));
  server.changes("/api/actions/:id/undo", "operator", async (request) => desk.undo(idOf(request), personOf(request)));
  server.changes("/api/actions/:id/stop", "operator", async (request) => desk.stop(idOf(request), personOf(request)));
  server.reads("/api/actions/:id", "viewer", async (request) => desk.find(idOf(request), personOf(request)), { isAutomatic: true });
}

function idOf(request: FastifyRequest): string {
  return String((request.params as { readonly id: unknown }).id);
}

/** @throws Refusal BAD_REQUEST */
function readTicketRequest(body: unknown): TicketRequest {
  const { verb, select } = record(body);
  const known = ticketVerbs.find((one) => one === verb);
  if (known === undefined) throw bad("no such verb");
  const { mailboxes, query, cause, letterCause, letters } = record(select);
  const isOfLetters = known === "replay" || known === "discard";
  if (isOfLetters && letterCause !== undefined) return { verb: known, select: { letterCause: text(letterCause) } };
  if (isOfLetters) return { verb: known, select: { letters: texts(letters) } };
  if (mailboxes !== undefined) return { verb: known, select: { mailboxes: texts(mailboxes) } };
  if (cause !== undefined) return { verb: known, select: { cause: text(cause) } };
  return { verb: known, select: { query: text(query, 20_000) } };
}

/** @throws Refusal BAD_REQUEST */
function readActionRequest(body: unknown): ActionRequest {
  const { verb, target, reason, typed } = record(body);
  const known = actionVerbs.find((one) => one === verb);
  if (known === undefined) throw bad("no such verb");
  return {
    verb: known,
    target: readTarget(record(target)),
    ...(reason !== undefined && { reason: text(reason) }),
    ...(typed !== undefined && { typed: text(typed) }),
  };
}

function readTarget({ mailbox, tenant, ticket, letter, discarded }: Readonly<Record<string, unknown>>): ActionTarget {
  if (mailbox !== undefined) return { mailbox: text(mailbox) };
  if (tenant !== undefined) return { tenant: text(tenant) };
  if (ticket !== undefined) return { ticket: text(ticket) };
  if (letter !== undefined) return { letter: text(letter, 20_000) };
  if (discarded !== undefined) return { discarded: text(discarded) };
  throw bad("nothing is named");
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad("not an object");
  return value as Readonly<Record<string, unknown>>;
}

function text(value: unknown, longest = longestText): string {
  if (typeof value !== "string" || value.length > longest) throw bad("not a text, or too long");
  return value;
}

function texts(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw bad("not a list");
  return value.map((one) => text(one, 20_000));
}

function bad(why: string): Refusal {
  return new Refusal("BAD_REQUEST", `The request cannot be read: ${why}.`);
}
