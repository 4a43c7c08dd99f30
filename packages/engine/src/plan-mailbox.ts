import { type FolderRules, type MailboxRef, type PlannedFolder, type PlanRules, planWork, selectFolders } from "@mailfleet/core";
import { openSession } from "./open-session.ts";
import type { EnginePorts } from "./ports.ts";

export interface PlanPorts extends Pick<EnginePorts, "clock" | "tokens" | "mail"> {
  readonly store: Pick<EnginePorts["store"], "load">;
}

export interface PlanRequest extends PlanRules {
  readonly mailbox: MailboxRef;
  readonly folders: FolderRules;
}

export interface MailboxPlan {
  /** In the order in which a session looks at them: INBOX first. Those that a rule leaves out come last. */
  readonly folders: readonly PlannedFolder[];
  /** Calendar, contacts and the like. */
  readonly notMail: readonly string[];
}

/**
 * What a session would do in each folder of a mailbox, by the server's numbers alone: a login, LIST and STATUS. Takes no lease and writes nothing.
 * @throws SyncError as opening a session does
 */
export async function planMailbox(ports: PlanPorts, request: PlanRequest, signal: AbortSignal): Promise<MailboxPlan> {
  const { mailbox } = request;
  const state = await ports.store.load(mailbox);
  const uidls = state.folders.get("INBOX")?.checkpoint?.uidls;
  const known = mailbox.protocol === "pop3" ? { uidls, newest: 0, messages: 0 } : undefined;
  const session = await openSession(ports, mailbox, signal, known);
  try {
    const { synced, excludedByRule, notMail } = selectFolders(await session.listFolders(), request.folders);
    const folders: PlannedFolder[] = [];
    for (const { path } of synced) {
      signal.throwIfAborted();
      folders.push(planWork(path, await session.status(path), state.folders.get(path), request, ports.clock.now()));
    }
    for (const { path } of excludedByRule) {
      const { messages } = await session.status(path);
      folders.push({ path, work: "excluded", messages, fresh: 0, history: 0 });
    }
    return { folders, notMail: notMail.map(({ path }) => path) };
  } finally {
    await session.close();
  }
}
