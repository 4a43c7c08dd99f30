import type { OidcAuth } from "@mailfleet/config";
import { personName, type Person } from "../sessions.ts";

type Claims = Readonly<Record<string, unknown>>;

/** The name that people know; `sub` is always there and says nothing. */
const nameClaims = ["preferred_username", "email", "name", "sub"] as const;

/** Who a verified ID token is about; undefined where none of its roles may come in. */
export function personOfClaims(claims: Claims, rule: Pick<OidcAuth, "rolesClaim" | "operators" | "viewers">): Person | undefined {
  const held = new Set(rolesOf(claims, rule.rolesClaim));
  const role = rule.operators.some((one) => held.has(one)) ? "operator" : rule.viewers.some((one) => held.has(one)) ? "viewer" : undefined;
  if (role === undefined) return undefined;
  const names = nameClaims.map((claim) => claims[claim]).map((value) => (typeof value === "string" ? personName(value) : ""));
  return { name: names.find((name) => name !== "") ?? "somebody", role };
}

/** By the claim's whole name first: names that are addresses have dots of their own. */
function rolesOf(claims: Claims, name: string): readonly string[] {
  const found = Object.hasOwn(claims, name) ? claims[name] : name.split(".").reduce<unknown>(member, claims);
  if (typeof found === "string") return [found];
  return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? (value as Claims)[key] : undefined;
}
