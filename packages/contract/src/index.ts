export { contractName, eventContract, eventTypes } from "./event-schema.ts";
export type { ContractEvent, EventContract } from "./event-schema.ts";
export { eventJsonSchema } from "./json-schema.ts";
