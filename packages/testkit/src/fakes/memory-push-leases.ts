import {
  type Cause,
  type Chance,
  type Clock,
  limits,
  mailboxId,
  type MailboxRef,
  type PushClaim,
  type PushLeases,
  pushWait,
} from "@mailfleet/core";

/** Push leases of one test's fleet, by a fake clock. */
export interface MemoryPushLeases extends PushLeases {
  readonly mailboxes: Map<string, MailboxRef>;
  readonly causes: Map<string, Cause>;
  /** Pokes that made a mailbox due: monotonic ms and id. */
  readonly pokes: { readonly at: number; readonly id: string }[];
  holderOf(id: string): string | undefined;
  /** Ends a place, as if its time had run out. */
  endPlace(place: string): void;
}

interface Entry {
  holder: string | undefined;
  freeAt: number;
  tries: number;
}

export function createMemoryPushLeases(clock: Clock, chance: Chance): MemoryPushLeases {
  const mailboxes = new Map<string, MailboxRef>();
  const causes = new Map<string, Cause>();
  const pokes: { at: number; id: string }[] = [];
  const places = new Map<string, number>();
  const chosen = new Map<string, Entry>();
  const paces = new Map<string, number>();
  let fence = 0;
  let surveyedAt = -Infinity;
  let surveyedSize = -1;
  const now = (): number => clock.monotonic();
  const isAlive = (place: string): boolean => (places.get(place) ?? -1) > now();
  const free = (id: string, place: string, afterMs: number): void => {
    const entry = chosen.get(id);
    if (entry?.holder === place) [entry.holder, entry.freeAt] = [undefined, now() + afterMs];
  };
  return {
    mailboxes,
    causes,
    pokes,
    holderOf: (id) => chosen.get(id)?.holder,
    endPlace: (place) => void places.set(place, now()),

    join(budget) {
      const place = `${++fence}:${chance.uuid().slice(0, 8)}:${budget}`;
      places.set(place, now() + limits.leaseMs);
      return Promise.resolve(place);
    },

    renew(place, ids) {
      if (!isAlive(place)) return Promise.resolve(undefined);
      places.set(place, now() + limits.leaseMs);
      const found = ids.flatMap((id): [string, Cause][] => {
        const cause = causes.get(id);
        return cause ? [[id, cause]] : [];
      });
      return Promise.resolve({ lost: ids.filter((id) => chosen.get(id)?.holder !== place), causes: new Map(found) });
    },

    look() {
      for (const [place] of places) if (!isAlive(place)) places.delete(place);
      for (const [id, { holder }] of chosen) if (holder !== undefined && !places.has(holder)) free(id, holder, 0);
      const entries = [...chosen.values()];
      return Promise.resolve({
        chosen: entries.length,
        free: entries.filter(({ holder, freeAt }) => holder === undefined && freeAt <= now()).length,
        budgets: [...places.keys()].map((place) => Number(place.split(":")[2])),
      });
    },

    claim(place, count) {
      const claims: PushClaim[] = [];
      const byAge = [...chosen].sort(([, a], [, b]) => a.freeAt - b.freeAt);
      for (const [id, entry] of byAge) {
        const mailbox = mailboxes.get(id);
        if (claims.length >= count || !isAlive(place) || !mailbox || entry.holder !== undefined || entry.freeAt > now()) continue;
        const waitMs = pushWait(causes.get(id), clock.now(), false);
        if (waitMs === undefined) {
          entry.holder = place;
          claims.push({ mailbox, tries: entry.tries });
        } else entry.freeAt = now() + waitMs + 1_000;
      }
      return Promise.resolve(claims);
    },

    giveBack(place, id, afterMs, tries) {
      const entry = chosen.get(id);
      if (entry) entry.tries = tries;
      free(id, place, afterMs);
      return Promise.resolve();
    },

    tidy(place, ids) {
      for (const [id] of chosen) if (!ids.includes(id)) free(id, place, 0);
      return Promise.resolve();
    },

    leave(place, ids) {
      for (const id of ids) free(id, place, 0);
      if (places.has(place)) places.set(place, now());
      return Promise.resolve();
    },

    loginSlot(tenant) {
      const at = Math.max(now(), paces.get(tenant) ?? 0);
      paces.set(tenant, at + Math.round(limits.pushLoginGapMs * (1 + chance.random())));
      return Promise.resolve(at - now());
    },

    poke(place, mailbox) {
      const id = mailboxId(mailbox);
      if (chosen.get(id)?.holder !== place) return Promise.resolve("lost");
      const cause = causes.get(id);
      if (cause && pushWait(cause, clock.now(), false) !== undefined) return Promise.resolve(cause);
      pokes.push({ at: now(), id });
      return Promise.resolve("poked");
    },

    choose(isChosen) {
      if (mailboxes.size === surveyedSize && now() - surveyedAt < limits.pushSurveyMs) return Promise.resolve();
      [surveyedAt, surveyedSize] = [now(), mailboxes.size];
      for (const [id, mailbox] of mailboxes) {
        if (isChosen(mailbox) && !chosen.has(id)) chosen.set(id, { holder: undefined, freeAt: now(), tries: 0 });
      }
      for (const [id] of chosen) {
        const mailbox = mailboxes.get(id);
        if (!mailbox || !isChosen(mailbox)) chosen.delete(id);
      }
      return Promise.resolve();
    },
  };
}
