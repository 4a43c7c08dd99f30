export {
  createPop3Source,
  defaultPop3SourceLimits,
  type Pop3Endpoint,
  type Pop3SourceLimits,
  type Pop3SourceOptions,
} from "./pop3-source.ts";
