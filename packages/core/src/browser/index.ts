/**
 * What the console's pages need of core, and nothing else: in a browser each module behind this file is a request, and its bytes count
 * against the budget of the first view, 40 kB (apps/console/src/assets/first-view.test.ts). Types are free and come from console/index.ts.
 */
export { actionVerbs } from "../console/actions.ts";
export { ageBuckets, everyMailbox, mailboxQueryParams, rowsOfPage, savedViews } from "../console/mailbox-query.ts";
export { mailboxPath, rowMarks, withNews } from "../console/mailbox-row.ts";
export { unaccounted } from "../ledger.ts";
export { describeCause } from "../words/causes.ts";
export { comingUpWords } from "../words/coming-up-words.ts";
export { formatBytes, formatCount, formatCounted, formatPercent, formatRate } from "../words/numbers.ts";
export { protocolNames } from "../words/protocols.ts";
export { pushSentence } from "../words/push-sentence.ts";
export { stateSentence, stateStyle, stateWords } from "../words/states.ts";
export { formatAge, formatAgo, formatClock, formatDay, formatIn, formatUtc } from "../words/times.ts";
