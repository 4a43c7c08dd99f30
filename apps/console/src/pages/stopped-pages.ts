import { explainCode, fleetSentence, viewFleet } from "@mailfleet/core";
import { countAges, everyMailbox, type MailboxRow, type PageData, rowOrder, rowsOfPage, type TenantPage } from "@mailfleet/core/console";
import { comingUpItems } from "./fleet-page.ts";
import type { PageSources } from "./page-sources.ts";

/** What a cause is, whom it hits, how it is mended. */
export function causePage({ live }: PageSources, id: string): PageData {
  const found = live.memory.cause(id);
  if (found === undefined) return { name: "not-found", data: { what: "this cause: it has ended, or never was" } };
  const rows = [...found.members].flatMap((member) => live.memory.find(member)?.row ?? []).sort(rowOrder(everyMailbox));
  const explained = explainCode(found.cause.code);
  return {
    name: "cause",
    data: {
      cause: found.cause,
      rows: rows.slice(0, rowsOfPage),
      total: rows.length,
      explanation: explained ? [explained.meaning, explained.mailfleetDoes, explained.youCan] : [],
    },
  };
}

export async function tenantPage(sources: PageSources, alias: string): Promise<PageData> {
  const { memory } = sources.live;
  const at = sources.live.now();
  const item = memory.summary.tenants.find((tenant) => tenant.alias === alias);
  if (item === undefined) return { name: "not-found", data: { what: "this tenant: none of that name has mailboxes" } };
  const records = [...memory.mailboxes()].filter((mailbox) => mailbox.tenant === alias);
  const rows = [...memory.rows()].filter((row) => row.tenant === alias).sort(rowOrder(everyMailbox));
  const [credentials, upcoming, logins] = await Promise.all([
    credentialsOf(sources, alias),
    comingUpItems(sources, alias),
    sources.logins(alias),
  ]);
  return {
    name: "tenant",
    data: {
      tenant: item,
      sentence: fleetSentence(viewFleet(records, at, sources.config.sync.freshWithinSeconds * 1_000)),
      causes: memory.causes.filter((cause) => cause.tenant === alias || rows.some((row) => row.causeId === cause.id)),
      credentials,
      comingUp: upcoming,
      steps: {
        added: records.length,
        opened: records.filter(({ isOpened }) => isOpened).length,
        firstSyncDone: rows.filter(isSynced).length,
        withHistory: rows.filter((row) => row.hasHistory).length,
        toDo: item.ledger.toDo,
      },
      ages: countAges(rows, at),
      rows: rows.slice(0, rowsOfPage),
      total: rows.length,
      ...(logins && { logins }),
    },
  };
}

/** Its new mail and its history were handed off once. */
function isSynced(row: MailboxRow): boolean {
  return row.checkedAt !== undefined && !row.hasHistory;
}

async function credentialsOf(sources: PageSources, alias: string): Promise<TenantPage["credentials"]> {
  const tenant = sources.tenants().find((one) => one.alias === alias);
  if (tenant === undefined) return [];
  const notes = await sources.notes();
  return (["current", "next"] as const).flatMap((role) => {
    const credential = role === "current" ? tenant.credential : tenant.nextCredential;
    if (credential === undefined) return [];
    const { kind, expiresAt } = credential;
    const note = notes.find((one) => one.tenant === alias && one.role === role);
    const tried = note && {
      at: note.at,
      ok: note.ok,
      ...(note.code !== undefined && { code: note.code }),
      ...(note.text !== undefined && { text: note.text }),
    };
    return [{ role, kind, ...(expiresAt !== undefined && { expiresAt }), ...(tried && { tried }) }];
  });
}
