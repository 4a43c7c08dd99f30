import type { FastifyRequest } from "fastify";
import type { FaultRequest } from "@mailfleet/core/console";
import type { SandboxDesk } from "../sandbox/sandbox-desk.ts";
import type { ConsoleServer } from "./console-server.ts";
import { personOf } from "./read-routes.ts";
import { Refusal } from "./refusal.ts";

/** Longer than anybody watches; what is to stay is ordered without. */
const mostMinutes = 24 * 60;
const longestName = 320;

/** What breaks and mends the sandbox. Where the fleet is not the sandbox these addresses do not exist. */
export function addSandboxRoutes(server: ConsoleServer, desk: SandboxDesk): void {
  server.changes("/api/sandbox/faults", "operator", async (request) => desk.add(readFault(request), personOf(request)));
  server.changes("/api/sandbox/faults/clear", "operator", async (request) => desk.clear(readId(request), personOf(request)));
}

/** @throws Refusal BAD_REQUEST */
function readFault({ body }: FastifyRequest): FaultRequest {
  const { name, tenant, mailbox, minutes } = record(body);
  if (minutes !== undefined && !(typeof minutes === "number" && minutes > 0 && minutes <= mostMinutes)) throw bad("minutes is no time");
  return {
    name: text(name),
    ...(tenant !== undefined && { tenant: text(tenant) }),
    ...(mailbox !== undefined && { mailbox: text(mailbox) }),
    ...(minutes !== undefined && { minutes }),
  };
}

function readId({ body }: FastifyRequest): number | undefined {
  const { id } = record(body);
  if (id !== undefined && !Number.isSafeInteger(id)) throw bad("id is no number");
  return id as number | undefined;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad("not an object");
  return value as Readonly<Record<string, unknown>>;
}

function text(value: unknown): string {
  if (typeof value !== "string" || value === "" || value.length > longestName) throw bad("not a name, or too long");
  return value;
}

function bad(why: string): Refusal {
  return new Refusal("BAD_REQUEST", `The request cannot be read: ${why}.`);
}
