import { z } from "zod";

/** What the schema is built of: each says in its error what was expected, and in its description what it means. */

export function pattern(regex: RegExp, error: string, description: string) {
  return z.string({ error }).regex(regex, { error }).meta({ description }).optional();
}

export function filled(error: string, description: string) {
  return pattern(/\S/, error, description);
}

export function whole(min: number, max: number, what: string, example: number, description: string) {
  const error = `expected ${what} from ${min} to ${max}, such as ${example}`;
  return z.int({ error }).min(min, { error }).max(max, { error }).meta({ description }).optional();
}

export function nodes(description: string) {
  const error = "expected a list of addresses, such as [10.0.0.1:6379, 10.0.0.2:6379]";
  return z.array(z.string({ error }).regex(/\S/, { error }), { error }).min(1, { error }).meta({ description }).optional();
}

export function textList(error: string, description: string) {
  return z
    .array(z.string({ error }).min(1, { error }), { error: error.replace("expected", "expected a list of") })
    .meta({ description })
    .optional();
}

export function yesNo(description: string) {
  return z.boolean({ error: "expected true or false" }).meta({ description }).optional();
}

export function oneOf<const T extends readonly [string, ...string[]]>(words: T, description: string) {
  const error = `expected ${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  return z.enum(words, { error }).meta({ description }).optional();
}

export function map<T extends z.core.$ZodLooseShape>(
  shape: T,
  description: string,
  extra: { readonly required?: readonly (keyof T & string)[] } = {},
) {
  const keys = Object.keys(shape);
  const named = keys.length > 5 ? `${keys.slice(0, 5).join(", ")} and more` : keys.join(", ");
  return z.strictObject(shape, { error: `expected keys with values: ${named}` }).meta({ description, ...extra });
}

export const file = (what: string) =>
  filled(`expected the name of a file with ${what}`, `File with ${what}; relative to the configuration file.`);
export const variable = (what: string) =>
  pattern(/^[A-Za-z_][A-Za-z0-9_]*$/, `expected the name of an environment variable with ${what}`, `Environment variable with ${what}.`);
