import type { MailEvent } from "@mailfleet/core";
import type { ContractEvent } from "./event-schema.ts";

// Compiled, never run: the contract and the core's event types cannot drift apart without an error here.

type Value = string | number | boolean;

/** The same data without what does not travel in JSON: readonly everywhere, no index signature of a loose object. */
type Plain<T> = T extends Value
  ? T
  : T extends readonly unknown[]
    ? number extends T["length"]
      ? readonly Plain<T[number]>[]
      : readonly [string, string]
    : { readonly [Key in keyof T as string extends Key ? never : Key]: Plain<Exclude<T[Key], undefined>> };

/** The names of the fields at every depth, optional or not. */
type Shape<T> = T extends Value
  ? "value"
  : T extends readonly unknown[]
    ? readonly Shape<T[number]>[]
    : { readonly [Key in keyof T]-?: Shape<Exclude<T[Key], undefined>> };

type Same<A, B> = [A, B] extends [B, A] ? true : false;

type Core<Type extends MailEvent["type"]> = Plain<Extract<MailEvent, { type: Type }>>;
type Contract<Type extends MailEvent["type"]> = Plain<Extract<ContractEvent, { type: Type }>>;

/** What the core sends, the contract takes; and neither knows a field that the other does not. */
type Agrees<Type extends MailEvent["type"]> = [Core<Type>] extends [Contract<Type>]
  ? Same<Shape<Core<Type>>, Shape<Contract<Type>>>
  : false;

type Assert<T extends true> = T;

export type Agreement = [
  Assert<Agrees<"message.added">>,
  Assert<Agrees<"message.quarantined">>,
  Assert<Agrees<"folder.reset">>,
  Assert<Agrees<"message.flags">>,
  Assert<Agrees<"message.removed">>,
  Assert<Agrees<"message.rekeyed">>,
  Assert<Agrees<"mailbox.parked">>,
  Assert<Agrees<"mailbox.resumed">>,
];
