import { hasHistory, type MailboxState, matchesFolder } from "@mailfleet/core";
import type { FolderItem, PageData } from "@mailfleet/core/console";
import type { PageSources } from "./page-sources.ts";

const entriesOfMailbox = 20;

/** @param id `tenant/address` */
export async function mailboxPage(sources: PageSources, id: string): Promise<PageData> {
  const { memory } = sources.live;
  const found = memory.find(id);
  if (found === undefined) return { name: "not-found", data: { what: "this mailbox: none of that name is registered" } };
  const { row, mailbox } = found;
  const [state, worker, strip, activity, proof] = await Promise.all([
    sources.mailbox(mailbox),
    sources.worker(mailbox),
    sources.strip(mailbox),
    sources.activity({ who: "both", mailbox: id, count: entriesOfMailbox }),
    sources.proof(mailbox),
  ]);
  const cause = row.causeId === undefined ? undefined : memory.cause(row.causeId)?.cause;
  return {
    name: "mailbox",
    data: {
      row,
      ...(cause && { cause }),
      pollSeconds: sources.config.sync.pollSeconds,
      ...(worker !== undefined && { worker }),
      ...(mailbox.addedAt !== undefined && { addedAt: mailbox.addedAt }),
      folders: foldersOf(state, sources.config.sync.folders),
      strip,
      activity: activity.entries,
      ...(proof && { proof }),
    },
  };
}

function foldersOf(
  { folders }: MailboxState,
  rules: { readonly include: readonly string[]; readonly exclude: readonly string[] },
): readonly FolderItem[] {
  return [...folders]
    .map(([path, { checkpoint, ledger }]): FolderItem => {
      const isExcluded =
        checkpoint?.isExcluded ??
        (!rules.include.some((one) => matchesFolder(one, path)) || rules.exclude.some((one) => matchesFolder(one, path)));
      return {
        path,
        isExcluded,
        uidValidity: checkpoint?.uidValidity ?? "",
        generation: checkpoint?.generation ?? 0,
        ledger,
        hasHistory: checkpoint !== undefined && hasHistory(checkpoint),
        ...(checkpoint === undefined && { next: "its checkpoint cannot be read, so it is left alone" }),
        ...(checkpoint?.unlisted && { next: "the server does not list it any more" }),
      };
    })
    .sort((a, b) => Number(a.isExcluded) - Number(b.isExcluded) || b.ledger.listed - a.ledger.listed || (a.path < b.path ? -1 : 1));
}
