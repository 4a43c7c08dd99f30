import { faultCatalogue } from "../faults/catalogue.ts";
import type { FaultOrder } from "../faults/fault-spec.ts";
import { findMissingPlaces, readOrder } from "../faults/read-order.ts";
import { answerRequest } from "../parent-messages.ts";
import type { Sandbox } from "../start-sandbox.ts";
import { changeCredential } from "./credential-requests.ts";

export interface ControlRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
}

export interface ControlReply {
  readonly status: number;
  readonly body: object;
}

/**
 * GET /catalogue, /faults, /counters; POST /faults with an order or a list of them, DELETE /faults/ID, /faults?name=NAME, /faults;
 * POST /mail (`parent-messages.ts`) and /secrets (`credential-requests.ts`). What is wrong comes as `{"problems": [...]}` with 400, all at
 * once, and changed nothing.
 */
export function answerControl(sandbox: Sandbox, { method, url, body }: ControlRequest): ControlReply {
  const [route = "", id, ...more] = url.pathname.split("/").filter((part) => part !== "");
  if (more.length > 0 || (id !== undefined && route !== "faults")) return notFound;
  switch (`${method} ${route}`) {
    case "GET catalogue":
      return ok({ faults: faultCatalogue });
    case "GET faults":
      return id === undefined ? ok({ faults: sandbox.faults.list() }) : notFound;
    case "GET counters":
      return ok(countersJson(sandbox));
    case "POST faults":
      return id === undefined ? orderFaults(sandbox, body) : notFound;
    case "DELETE faults":
      return takeBack(sandbox, id, url.searchParams.get("name"));
    case "POST mail":
      return attempt(body, (value) => answerRequest(sandbox, value));
    case "POST secrets":
      return attempt(body, (value) => changeCredential(sandbox, value));
    default:
      return notFound;
  }
}

/** All orders of a list or none. */
function orderFaults(sandbox: Sandbox, body: string): ControlReply {
  const parsed = parse(body);
  if (!parsed) return wrong(["the body is no JSON"]);
  const many: readonly unknown[] = Array.isArray(parsed.value) ? parsed.value : [parsed.value];
  const problems: string[] = [];
  const orders: FaultOrder[] = [];
  for (const [index, one] of many.entries()) {
    const read = readOrder(one);
    const found = "problems" in read ? read.problems : missing(sandbox, read.order);
    problems.push(...found.map((problem) => (many.length === 1 ? problem : `order ${String(index + 1)}: ${problem}`)));
    if ("order" in read) orders.push(read.order);
  }
  if (problems.length > 0) return wrong(problems);
  return { status: 201, body: { ids: orders.map((order) => sandbox.faults.add(order)) } };
}

function missing(sandbox: Sandbox, order: FaultOrder): string[] {
  const aliases = sandbox.tenants.map(({ alias }) => alias);
  return findMissingPlaces(order, aliases, (address) => sandbox.tenants.some(({ addresses }) => addresses.includes(address)));
}

function takeBack({ faults }: Sandbox, id: string | undefined, name: string | null): ControlReply {
  if (id !== undefined) return faults.remove(Number(id)) ? ok({ removed: 1 }) : notFound;
  if (name !== null && !Object.hasOwn(faultCatalogue, name)) return wrong([`there is no fault ${name.slice(0, 80)}`]);
  const before = faults.list().length;
  faults.clear(name ?? undefined);
  return ok({ removed: before - faults.list().length });
}

function countersJson({ counters }: Sandbox): object {
  return {
    tokenRequests: Object.fromEntries(counters.tokenRequests),
    credentialUses: Object.fromEntries(counters.credentialUses),
    commands: Object.fromEntries(counters.commands),
    pop3Commands: Object.fromEntries(counters.pop3Commands),
    mailboxes: Object.fromEntries(counters.mailboxes),
    tenants: Object.fromEntries(counters.tenants),
  };
}

/** The controls throw RangeError and TypeError for what they are wrongly asked. */
function attempt(body: string, act: (value: Readonly<Record<string, unknown>>) => object): ControlReply {
  const value = parse(body)?.value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong(["the body is no JSON object"]);
  try {
    return ok(act(value as Readonly<Record<string, unknown>>));
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return wrong([error.message]);
    throw error;
  }
}

function parse(body: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(body) };
  } catch {
    return undefined;
  }
}

const notFound: ControlReply = { status: 404, body: { problems: ["there is nothing of that name"] } };

function ok(body: object): ControlReply {
  return { status: 200, body };
}

function wrong(problems: readonly string[]): ControlReply {
  return { status: 400, body: { problems } };
}
