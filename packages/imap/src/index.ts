export { createImapSource, type ImapSourceOptions } from "./imap-source.ts";
export { defaultImapLimits, type ImapEndpoint, type ImapLimits } from "./flow-options.ts";
export { decodeFolderName, encodeFolderName } from "./folder-name.ts";
