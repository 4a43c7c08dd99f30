export { faultCatalogue } from "./catalogue.ts";
export type { FaultOrder, FaultSpec, ParamSpec } from "./fault-spec.ts";
export type { ListedFault } from "./fault-book.ts";
export { readOrder, readOrderText } from "./read-order.ts";
export { type FaultGroup, faultGroups, faultPlace } from "./fault-words.ts";
