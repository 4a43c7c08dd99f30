import { z } from "zod";
import { contractName, eventContract } from "./event-schema.ts";

/** The contract as JSON Schema 2020-12, for consumers in other languages. The same as the file in `schema/`. */
export function eventJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(eventContract(), { target: "draft-2020-12" });
  return {
    $schema,
    $id: `urn:${contractName.replace("/", ":")}`,
    title: contractName,
    description:
      "An event of mailfleet's `messages` queue. Fields, types and words may be added within version 1; skip what you do not know.",
    ...schema,
  };
}
