export { Pop3Capabilities, type ListRow, type MailboxStat, type UidlRow } from "./answers.ts";
export type { Pop3Body } from "./body.ts";
export type { DialOptions, Pop3TlsOptions } from "./dial.ts";
export { defaultPop3Limits, defaultPop3Timeouts, type Pop3Limits, type Pop3Timeouts } from "./limits.ts";
export type { Pop3Item } from "./each-body.ts";
export { Pop3Client, type Pop3ClientOptions, type Pop3SessionOptions } from "./pop3-client.ts";
export { isPop3Error, Pop3Error, type Pop3ErrorFields, type Pop3ErrorKind, type Pop3Problem } from "./pop3-error.ts";
export type { WholeItem } from "./whole-messages.ts";
