/** What one parameter of a fault may be. Times are in ms, sizes in bytes. */
export type ParamSpec =
  | { readonly kind: "number"; readonly low: number; readonly high: number; readonly default: number; readonly says: string }
  | { readonly kind: "word"; readonly words: readonly string[]; readonly default: string; readonly says: string }
  | { readonly kind: "flag"; readonly default: boolean; readonly says: string }
  | { readonly kind: "text"; readonly default: string; readonly says: string };

export type MailProtocol = "imap" | "pop3";

/** Which server misbehaves; `mail`: both that speak of mail. */
export type FaultSide = MailProtocol | "mail" | "token";

export interface FaultSpec {
  readonly side: FaultSide;
  /** What a client sees, in one sentence. */
  readonly says: string;
  readonly params: Readonly<Record<string, ParamSpec>>;
  /** What the server does not know yet when it strikes, beside all that it never knows. */
  readonly isBeforeTenant?: true;
  /** How much the mail server knows of the place; default the folder that is open. */
  readonly reach?: "mailbox" | "message";
  /** `lasts`: a property of the place, for as long as the order stands. `once`: an event of its own, at the order's time. Default: at occasions. */
  readonly occurs?: "lasts" | "once";
}

export type FaultValue = number | string | boolean;

/** Where a fault strikes; what is left out is anywhere. */
export interface FaultTarget {
  /** Alias. */
  readonly tenant?: string;
  readonly mailbox?: string;
  readonly folder?: string;
  readonly uid?: number;
  /** One of the two mail servers, for a fault that both have. */
  readonly protocol?: MailProtocol;
}

/** One fault as somebody orders it. */
export interface FaultOrder extends FaultTarget {
  readonly name: string;
  readonly params?: Readonly<Record<string, FaultValue>>;
  /** From the order on; default at once. */
  readonly afterMs?: number;
  /** How long it lasts from then; default until it is taken back. */
  readonly forMs?: number;
  /** `forMs` counts from the first time it strikes. */
  readonly fromFirst?: boolean;
  /** How often it strikes; default without end. */
  readonly times?: number;
  /** Share of the occasions at which it strikes, above 0 up to 1, drawn from the sandbox's seed; default 1. */
  readonly chance?: number;
}

/** A fault that strikes now. */
export interface ActiveFault {
  readonly id: number;
  readonly name: string;
  /** Where it was ordered for. */
  readonly target: FaultTarget;
  /** When it ends, in milliseconds since 1970; infinite where it has to be taken back. */
  readonly until: number;
  number(param: string): number;
  word(param: string): string;
  flag(param: string): boolean;
}

/** False for an order that holds for everybody, and so can strike before it is known whose connection it is. */
export function isForSomebody({ target }: ActiveFault): boolean {
  return target.tenant !== undefined || target.mailbox !== undefined;
}

/** The order's parameters, complete; or what is wrong with it, all at once. */
export function checkOrder(
  order: FaultOrder,
  catalogue: Readonly<Record<string, FaultSpec>>,
): { readonly params: Readonly<Record<string, FaultValue>> } | { readonly problems: readonly string[] } {
  const spec = Object.hasOwn(catalogue, order.name) ? catalogue[order.name] : undefined;
  if (!spec) return { problems: [`there is no fault ${order.name}; there are: ${Object.keys(catalogue).join(", ")}`] };
  const problems: string[] = [];
  for (const place of unknownPlaces(spec, order)) problems.push(`${order.name} knows no ${place} and would never strike`);
  const params: Record<string, FaultValue> = {};
  for (const [name, param] of Object.entries(spec.params)) params[name] = param.default;
  for (const [name, value] of Object.entries(order.params ?? {})) {
    const param = Object.hasOwn(spec.params, name) ? spec.params[name] : undefined;
    if (!param) problems.push(`${order.name} has no ${name}; it has: ${Object.keys(spec.params).join(", ") || "no parameter"}`);
    else if (!fits(param, value)) problems.push(`${name} of ${order.name} is ${expected(param)}, not ${JSON.stringify(value)}`);
    else params[name] = value;
  }
  for (const [name, value] of Object.entries({ afterMs: order.afterMs, forMs: order.forMs })) {
    if (value !== undefined && !(value >= 0)) problems.push(`${name} is a number of ms from 0, not ${String(value)}`);
  }
  problems.push(...uselessTimes(spec, order));
  if (order.fromFirst === true && order.forMs === undefined) problems.push("fromFirst says what forMs counts from, and there is no forMs");
  if (order.times !== undefined && !(Number.isInteger(order.times) && order.times >= 1))
    problems.push(`times is a whole number from 1, not ${String(order.times)}`);
  if (order.chance !== undefined && !(order.chance > 0 && order.chance <= 1))
    problems.push(`chance is above 0 and at most 1, not ${String(order.chance)}`);
  return problems.length > 0 ? { problems } : { params };
}

function unknownPlaces(spec: FaultSpec, { tenant, mailbox, folder, uid, protocol }: FaultTarget): string[] {
  const named = Object.entries({ tenant, mailbox, folder, uid, protocol }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  const known: string[] = [];
  // What happens to a folder by itself happens to it over both protocols.
  if (spec.occurs !== "once" && (spec.side === "mail" || spec.side === protocol)) known.push("protocol");
  if (!spec.isBeforeTenant && spec.side === "token") known.push("tenant");
  if (!spec.isBeforeTenant && spec.side !== "token") known.push("tenant", "mailbox", ...foldersKnown[spec.reach ?? "folder"]);
  return named.filter((name) => !known.includes(name));
}

const foldersKnown = { mailbox: [], folder: ["folder"], message: ["folder", "uid"] } as const;

/** What would be passed over in silence. */
function uselessTimes(spec: FaultSpec, { name, times, chance, forMs, fromFirst }: FaultOrder): string[] {
  if (spec.occurs === undefined) return [];
  const given = Object.entries({ times, chance, fromFirst, ...(spec.occurs === "once" && { forMs }) });
  const why = spec.occurs === "lasts" ? "lasts as long as its order" : "happens once";
  return given.filter(([, value]) => value !== undefined).map(([key]) => `${name} ${why} and takes no ${key}`);
}

function fits(param: ParamSpec, value: FaultValue): boolean {
  switch (param.kind) {
    case "number":
      return typeof value === "number" && value >= param.low && value <= param.high;
    case "word":
      return typeof value === "string" && param.words.includes(value);
    case "flag":
      return typeof value === "boolean";
    case "text":
      return typeof value === "string";
  }
}

function expected(param: ParamSpec): string {
  switch (param.kind) {
    case "number":
      return `a number from ${String(param.low)} to ${String(param.high)}`;
    case "word":
      return param.words.join(" or ");
    case "flag":
      return "true or false";
    case "text":
      return "a text";
  }
}
