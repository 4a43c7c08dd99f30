import type { MailEvent } from "@mailfleet/core";
import type { MailfleetEvent } from "./event.ts";

// Compiled, never run and never published: the SDK's events are the core's, field by field, without importing them.

type Value = string | number | boolean;

/** The names of the fields at every depth; the SDK's methods are not among an event's data. */
type Shape<T> = T extends Value
  ? "value"
  : T extends readonly unknown[]
    ? number extends T["length"]
      ? readonly Shape<T[number]>[]
      : readonly ["pair"]
    : { readonly [Key in keyof T as T[Key] extends (...args: never[]) => unknown ? never : Key]-?: Shape<Exclude<T[Key], undefined>> };

type Same<A, B> = [A, B] extends [B, A] ? true : false;
type Of<Union, Type> = Extract<Union, { readonly type: Type }>;
type Agrees<Type extends MailEvent["type"]> = Same<Shape<Of<MailEvent, Type>>, Shape<Of<MailfleetEvent, Type>>>;
type Assert<T extends true> = T;

export type Agreement = [
  Assert<Same<MailEvent["type"], MailfleetEvent["type"]>>,
  Assert<Agrees<"message.added">>,
  Assert<Agrees<"message.quarantined">>,
  Assert<Agrees<"message.flags">>,
  Assert<Agrees<"message.removed">>,
  Assert<Agrees<"message.rekeyed">>,
  Assert<Agrees<"folder.reset">>,
  Assert<Agrees<"mailbox.parked">>,
  Assert<Agrees<"mailbox.resumed">>,
];
