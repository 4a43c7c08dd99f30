import { type HandOff, type Reissue, type ReissueOutcome, type Sharded } from "@mailfleet/core";
import type { DeadLetter, DeadLetters, LetterOutcome, LetterRef } from "./dead-letters.ts";
import type { MailboxDesk } from "./mailbox-desk.ts";

/** Each of these is the same door over all shards: a mailbox's events and letters are in its tenant's shard. */

export function shardedHandOff({ of }: Sharded<HandOff>): HandOff {
  return {
    commit: (commit) => of(commit.lease.mailbox.tenant).commit(commit),
    settle: (lease, settlement) => of(lease.mailbox.tenant).settle(lease, settlement),
  };
}

export function shardedDesk({ of }: Sharded<MailboxDesk>): MailboxDesk {
  return {
    park: (mailbox, park) => of(mailbox.tenant).park(mailbox, park),
    resume: (mailbox) => of(mailbox.tenant).resume(mailbox),
    remove: (mailbox, isPurged) => of(mailbox.tenant).remove(mailbox, isPurged),
  };
}

export function shardedReissue({ of }: Sharded<Reissue>): Reissue {
  return {
    async put(events) {
      const outcomes: ReissueOutcome[] = [];
      const parts = Map.groupBy(events.entries(), ([, { id }]) => of(tenantOf(id)));
      for (const [reissue, part] of parts) {
        const some = await reissue.put(part.map(([, event]) => event));
        for (const [i, [at]] of part.entries()) outcomes[at] = some[i] as ReissueOutcome;
      }
      return outcomes;
    },
  };
}

export function shardedLetters({ all, of }: Sharded<DeadLetters>): DeadLetters {
  /** By tenant where the id tells it; one that is a hash is looked for. */
  const homeOf = async (id: string): Promise<DeadLetters | undefined> => {
    if (id.includes("/")) return of(tenantOf(id));
    for (const one of all) if ((await one.read(id)) !== undefined) return one;
    return undefined;
  };
  const act = async (
    letters: readonly LetterRef[],
    how: (home: DeadLetters, some: readonly LetterRef[]) => Promise<LetterOutcome>,
  ): Promise<LetterOutcome> => {
    const homes = new Map<DeadLetters | undefined, LetterRef[]>();
    for (const letter of letters) {
      const home = await homeOf(letter.id);
      homes.set(home, [...(homes.get(home) ?? []), letter]);
    }
    const outcome = { done: 0, gone: 0, moved: 0 };
    for (const [home, some] of homes) {
      const one = home === undefined ? { done: 0, gone: some.length, moved: 0 } : await how(home, some);
      for (const count of ["done", "gone", "moved"] as const) outcome[count] += one[count];
    }
    return outcome;
  };
  return {
    pages: (upTo) => merged(all.map((one) => one.pages(upTo))),
    newestAt: async () => Math.max(...(await Promise.all(all.map((one) => one.newestAt())))),
    read: async (id) => (await homeOf(id))?.read(id),
    retry: (letters) => act(letters, (home, some) => home.retry(some)),
    discard: (letters, under) => act(letters, (home, some) => home.discard(some, under)),
    inspect: (letters) => act(letters, (home, some) => home.inspect(some)),
  };
}

/** In the order of failing over all of them; a page at a time of each is held. */
async function* merged(
  sources: readonly AsyncGenerator<readonly DeadLetter[], void, void>[],
): AsyncGenerator<readonly DeadLetter[], void, void> {
  const heads = await Promise.all(sources.map(async (source) => ({ source, letters: await nextPage(source) })));
  for (;;) {
    const open = heads.filter(({ letters }) => letters.length > 0);
    if (open.length === 0) return;
    // Up to where the page ends that ends first, all are known.
    const upTo = Math.min(...open.map(({ letters }) => letters.at(-1)?.failedAt ?? 0));
    const page: DeadLetter[] = [];
    for (const head of open) {
      const later = head.letters.findIndex(({ failedAt }) => failedAt > upTo);
      page.push(...head.letters.splice(0, later === -1 ? head.letters.length : later));
      if (head.letters.length === 0) head.letters = await nextPage(head.source);
    }
    yield page.sort((a, b) => a.failedAt - b.failedAt);
  }
}

async function nextPage(source: AsyncGenerator<readonly DeadLetter[], void, void>): Promise<DeadLetter[]> {
  for (;;) {
    const { done, value } = await source.next();
    if (done === true) return [];
    if (value.length > 0) return [...value];
  }
}

/** Every event's id begins with the tenant, whose alias needs no escape. */
function tenantOf(id: string): string {
  return id.slice(0, id.indexOf("/"));
}
