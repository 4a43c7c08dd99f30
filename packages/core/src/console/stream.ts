import type { ActionRun } from "./actions.ts";
import type { FleetSummary } from "./page-data.ts";
import type { RowNews } from "./mailbox-row.ts";

/**
 * GET /api/stream, server-sent events: `hello` first, `beat` every 2 s, `patch` at most once a second, `run` when an action moves,
 * `bye` when the console stops: the page says so, and the browser's own reconnect finds the next one.
 */
export type StreamEvent =
  | { readonly event: "hello"; readonly data: Beat }
  | { readonly event: "beat"; readonly data: Beat }
  | { readonly event: "patch"; readonly data: FleetPatch }
  | { readonly event: "run"; readonly data: ActionRun }
  | { readonly event: "bye"; readonly data: { readonly retryMs: number } };

export interface Beat {
  readonly at: number;
  readonly process: string;
  readonly revision: number;
  /** Epoch ms of the last facts from Redis. */
  readonly factsAt: number;
  /** As in `Frame`. */
  readonly trouble?: string;
}

export interface FleetPatch {
  readonly at: number;
  /** A patch follows on the one before: who missed one loads the page anew. */
  readonly from: number;
  readonly revision: number;
  /** Members of the summary that changed, whole. */
  readonly summary: Partial<FleetSummary>;
  readonly rows: readonly RowNews[];
  /** Numbers of rows whose cause, marks or ledger changed: GET /api/rows for those that are shown. */
  readonly stale: readonly number[];
  readonly gone: readonly number[];
  /** More changed than a patch holds, mailboxes were added, or a member of the summary is over: pages are to be loaded anew. */
  readonly isMore: boolean;
}
