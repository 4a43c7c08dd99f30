import { faultCatalogue } from "./catalogue.ts";
import { checkOrder, type FaultOrder, type FaultSpec, type FaultValue, type ParamSpec } from "./fault-spec.ts";

export type OrderResult = { readonly order: FaultOrder } | { readonly problems: readonly string[] };

/** Keys of an order that are no parameters of its fault. */
const orderKeys = ["tenant", "mailbox", "folder", "uid", "protocol", "after", "for", "fromFirst", "times", "chance"] as const;
/** What programs may write in place of `after` and `for`. */
const jsonKeys = ["name", "params", "afterMs", "forMs"] as const;

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * One order as the command line has it: `NAME,key=value,key=value`. Keys are `tenant`, `mailbox`, `folder`, `uid`, `protocol`, `after`, `for`,
 * `fromFirst`, `times`, `chance`, and the fault's own parameters; a key alone means true. A text that begins with `{` is the JSON of the order.
 */
export function readOrderText(text: string): OrderResult {
  if (text.trimStart().startsWith("{")) {
    try {
      return readOrder(JSON.parse(text));
    } catch {
      return { problems: ["that is no JSON"] };
    }
  }
  const [name = "", ...parts] = text.split(",").map((part) => part.trim());
  const order: Record<string, unknown> = { name };
  const params = Object.create(null) as Record<string, unknown>;
  const problems: string[] = [];
  for (const part of parts) {
    const equals = part.indexOf("=");
    const key = equals < 0 ? part : part.slice(0, equals).trim();
    // `token-role` has a protocol of its own.
    const isParam = Object.hasOwn(paramsOf(name), key) || !orderKeys.some((known) => known === key);
    const target = isParam ? params : order;
    if (key === "") problems.push("there is a comma too many, or a key is missing before =");
    else if (Object.hasOwn(target, key)) problems.push(`${key} is given twice`);
    else target[key] = equals < 0 ? "true" : part.slice(equals + 1).trim();
  }
  const read = readOrder({ ...order, params });
  return problems.length === 0 ? read : { problems: [...problems, ...("problems" in read ? read.problems : [])] };
}

/** One order as a file or the control API has it. Total: whatever it is, an order comes out or all that is wrong with it. */
export function readOrder(value: unknown): OrderResult {
  if (!isRecord(value)) return { problems: ["an order is an object with a name"] };
  const problems: string[] = [];
  const known: readonly string[] = [...orderKeys, ...jsonKeys];
  for (const key of Object.keys(value)) if (!known.includes(key)) problems.push(`${key} is not known; an order has: ${known.join(", ")}`);
  const name = value["name"];
  if (typeof name !== "string" || name === "") return { problems: [...problems, "the fault's name is missing"] };
  const spec: FaultSpec | undefined = Object.hasOwn(faultCatalogue, name) ? faultCatalogue[name as keyof typeof faultCatalogue] : undefined;

  const word = (key: "tenant" | "mailbox" | "folder"): Partial<FaultOrder> => {
    const given = value[key];
    if (given === undefined) return {};
    if (typeof given === "string" && given !== "") return { [key]: given };
    problems.push(`${key} is a text, not ${shown(given)}`);
    return {};
  };
  const number = (key: "uid" | "times"): Partial<FaultOrder> => {
    const given = value[key];
    if (given === undefined) return {};
    const read = asNumber(given);
    if (read !== undefined && Number.isInteger(read) && read >= 1) return { [key]: read };
    problems.push(`${key} is a whole number from 1, not ${shown(given)}`);
    return {};
  };
  const time = (key: "after" | "for"): Partial<FaultOrder> => {
    const keyMs = key === "after" ? "afterMs" : "forMs";
    const [given, inMs] = [value[key], value[keyMs]];
    if (given !== undefined && inMs !== undefined) problems.push(`${key} and ${keyMs} say the same: one is enough`);
    const ms = given === undefined ? asNumber(inMs) : durationMs(given);
    if (given === undefined && inMs === undefined) return {};
    if (ms !== undefined) return { [keyMs]: ms };
    problems.push(
      given === undefined ? `${keyMs} is a number of ms, not ${shown(inMs)}` : `${key} is a time such as 30s or 5m, not ${shown(given)}`,
    );
    return {};
  };
  const chance = (): Partial<FaultOrder> => {
    const given = value["chance"];
    if (given === undefined) return {};
    const percent = typeof given === "string" ? /^([0-9.]+)\s?%$/.exec(given)?.[1] : undefined;
    const read = percent === undefined ? asNumber(given) : Number(percent) / 100;
    if (read !== undefined) return { chance: read };
    problems.push(`chance is a share such as 0.3 or 30%, not ${shown(given)}`);
    return {};
  };
  const order: FaultOrder = {
    name,
    ...word("tenant"),
    ...word("mailbox"),
    ...word("folder"),
    ...number("uid"),
    ...readProtocol(value["protocol"], problems),
    ...time("after"),
    ...time("for"),
    ...number("times"),
    ...chance(),
    ...readFlag(value["fromFirst"], problems),
    ...readParams(value["params"], spec, problems),
  };
  const checked = checkOrder(order, faultCatalogue);
  if ("problems" in checked) problems.push(...checked.problems);
  return problems.length > 0 ? { problems } : { order };
}

/** What the sandbox does not have of what an order names. */
export function findMissingPlaces(order: FaultOrder, tenants: readonly string[], hasMailbox: (address: string) => boolean): string[] {
  const problems: string[] = [];
  if (order.tenant !== undefined && !tenants.includes(order.tenant))
    problems.push(`the sandbox has no tenant ${order.tenant}; it has: ${tenants.join(", ")}`);
  if (order.mailbox !== undefined && !hasMailbox(order.mailbox.toLowerCase())) problems.push(`the sandbox has no mailbox ${order.mailbox}`);
  return problems;
}

function paramsOf(name: string): Readonly<Record<string, ParamSpec>> {
  return Object.hasOwn(faultCatalogue, name) ? faultCatalogue[name as keyof typeof faultCatalogue].params : {};
}

function readProtocol(given: unknown, problems: string[]): Partial<FaultOrder> {
  if (given === undefined) return {};
  if (given === "imap" || given === "pop3") return { protocol: given };
  problems.push(`protocol is imap or pop3, not ${shown(given)}`);
  return {};
}

function readFlag(given: unknown, problems: string[]): Partial<FaultOrder> {
  if (given === undefined) return {};
  const isTrue = given === true || given === "true";
  if (isTrue || given === false || given === "false") return { fromFirst: isTrue };
  problems.push(`fromFirst is true or false, not ${shown(given)}`);
  return {};
}

function readParams(given: unknown, spec: FaultSpec | undefined, problems: string[]): Partial<FaultOrder> {
  if (given === undefined) return {};
  if (!isRecord(given)) {
    problems.push(`params is an object, not ${shown(given)}`);
    return {};
  }
  const params: [string, FaultValue][] = [];
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean")
      problems.push(`${name} is a text, a number, true or false, not ${shown(value)}`);
    else params.push([name, typeof value === "string" ? fromText(name, spec?.params[name], value) : value]);
  }
  // Not by assignment: `__proto__` would vanish, and is refused like any other that is not known.
  return { params: Object.fromEntries(params) };
}

/** What stays as it is, is refused where parameters are checked. */
function fromText(name: string, param: ParamSpec | undefined, text: string): FaultValue {
  switch (param?.kind) {
    case "number":
      return asNumber(text) ?? timeOf(name, text) ?? text;
    case "flag":
      return text === "true" ? true : text === "false" ? false : text;
    default:
      return text;
  }
}

/** `hintMs=5m`, `seconds=2h`: the unit that the parameter's name has. */
function timeOf(name: string, text: string): number | undefined {
  const ms = durationMs(text);
  if (ms === undefined) return undefined;
  if (/(^ms|Ms)$/.test(name)) return ms;
  return /(^s|S)econds$/.test(name) ? ms / 1_000 : undefined;
}

/** `500ms`, `30s`, `5m`, `1.5h`; never without a unit. */
function durationMs(value: unknown): number | undefined {
  const [, amount, unit = ""] = (typeof value === "string" && /^(-?[0-9]+(?:\.[0-9]+)?)\s?([a-z]+)$/.exec(value)) || [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

function asNumber(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" && /^-?[0-9]+(\.[0-9]+)?$/.test(value) ? Number(value) : undefined;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
