import type { ParamSpec } from "./fault-spec.ts";

// Parameters that several faults have.
const dayMs = 86_400_000;

export function milliseconds(byDefault: number, says: string, low = 0) {
  return { kind: "number", low, high: dayMs, default: byDefault, says } as const satisfies ParamSpec;
}

export function count(byDefault: number, says: string, low = 0, high = 4_294_967_295) {
  return { kind: "number", low, high, default: byDefault, says } as const satisfies ParamSpec;
}

export function words<const T extends readonly [string, ...string[]]>(choices: T, says: string) {
  return { kind: "word", words: choices, default: choices[0], says } as const satisfies ParamSpec;
}

export function flag(says: string) {
  return { kind: "flag", default: false, says } as const satisfies ParamSpec;
}

export function text(byDefault: string, says: string) {
  return { kind: "text", default: byDefault, says } as const satisfies ParamSpec;
}

export const verb = text("", "the command, such as `FETCH` or `UID FETCH` (`FETCH` means both) or `RETR`; empty for all");
