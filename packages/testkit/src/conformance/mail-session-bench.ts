import { isSyncError, type FetchedMessage, type FolderStatus, type MailSession, type SpoolKnown } from "@mailfleet/core";
import type { describe as Describe, expect as Expect, test as Test } from "vitest";
import { eachMessage } from "../each-message.ts";
import type { MailWorld } from "./mail-world.ts";

/* What the parts of the mail session suite share. */

/** Handed in, so that these files can be imported outside of a test run. */
export type Vitest = { readonly describe: typeof Describe; readonly test: typeof Test; readonly expect: typeof Expect };

/** What every world has, whatever can be done in it. */
export type AnyWorld = Pick<MailWorld, "source" | "mailbox" | "token" | "close">;

/** Gives a test's body: makes a world, runs against it, and closes it and every session that was opened. */
export type Against<World = MailWorld> = (
  run: (world: World, openSession: (known?: SpoolKnown) => Promise<MailSession>) => Promise<void>,
) => () => Promise<void>;

export const never = new AbortController().signal;
/** Longer than any test may take: only the server's word may end such an IDLE. */
export const longMs = 60_000;
export const allUids = 0xffff_ffff;

export function againstWorldsOf<World extends AnyWorld>(open: () => Promise<World>): Against<World> {
  return (run) => async () => {
    const world = await open();
    const sessions: MailSession[] = [];
    try {
      await run(world, async (known) => {
        const session = await world.source.open(world.mailbox, world.token, never, known);
        sessions.push(session);
        return session;
      });
    } finally {
      for (const session of sessions) await session.close();
      await world.close();
    }
  };
}

export function mail(name: string, body = `${name}\r\n`): Buffer {
  return Buffer.from(
    `Received: from mx by host; Fri, 17 Jul 2026 02:44:25 +0000\r\nFrom: Ann <ann@contoso.example>\r\nSubject: ${name}\r\n` +
      `Date: Fri, 17 Jul 2026 02:44:25 +0000\r\nMessage-ID: <${name}@contoso.example>\r\n\r\n${body}`,
  );
}

/** The UIDs of new messages with these names. */
export async function fill(world: MailWorld, folder: string, names: readonly string[]): Promise<number[]> {
  const uids: number[] = [];
  for (const one of names) uids.push(await world.deliver(folder, mail(one)));
  return uids;
}

export async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    return isSyncError(error) ? error.failure.code : `not a SyncError: ${String(error)}`;
  }
  return "no failure";
}

/** What the next session is told of a spool: see `SpoolKnown`. Folders pass over it. */
export function knownFrom(status: FolderStatus, before?: SpoolKnown): SpoolKnown {
  return { uidls: status.uidls, newest: Math.max(before?.newest ?? 0, status.uidNext - 1), messages: status.messages };
}

/** Which UID the open folder's messages have, by the name that {@link mail} gave them. */
export async function uidsByName(session: MailSession): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for await (const { uid, bytes } of eachMessage(session.fetch(await session.listUids(1, allUids)))) {
    const name = /^Subject: (.*)\r$/m.exec(Buffer.from(bytes).toString("latin1"))?.[1];
    if (name !== undefined) found.set(name, uid);
  }
  return found;
}

export async function collect(fetched: AsyncIterable<readonly FetchedMessage[]>): Promise<FetchedMessage[]> {
  const all: FetchedMessage[] = [];
  for await (const row of eachMessage(fetched)) all.push(row);
  return all;
}
