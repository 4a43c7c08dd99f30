import type { FleetPatch, MailboxRow, PageData, RowsAnswer } from "@mailfleet/core/console";
import { patchRows, replaceRows } from "../model/apply-patch.ts";
import { getJson } from "./api.ts";
import type { DataOf, Page } from "./page.ts";

type WithRows = { readonly rows: readonly MailboxRow[] };
type PageWithRows = Extract<PageData, { data: WithRows }>["name"];

/** The patch of every page that lists mailboxes: cells in place, rows that a patch calls stale by asking for them. */
export function patchListed<Name extends PageWithRows>(
  data: DataOf<Name>,
  patch: FleetPatch,
  page: Page<Name>,
): { readonly data: DataOf<Name>; readonly reload: boolean } {
  const { rows, stale, mayMove } = patchRows(data.rows, patch);
  if (stale.length > 0) void fetchRows(page, stale);
  return { data: { ...data, rows } as DataOf<Name>, reload: mayMove };
}

async function fetchRows<Name extends PageWithRows>(page: Page<Name>, numbers: readonly number[]): Promise<void> {
  try {
    const answer = await getJson<RowsAnswer>(`/api/rows?rows=${numbers.join(",")}`);
    if (answer.process === page.frame.process)
      page.change({ ...page.data, rows: replaceRows(page.data.rows, answer.rows) } as DataOf<Name>);
  } catch {
    // The next load of the list brings them.
  }
}
