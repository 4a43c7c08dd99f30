export { errorFacts, type FactsContext } from "./pop3-facts.ts";
