/** What a login needs to know of a server. */
export interface Offers {
  readonly hasXoauth2: boolean;
  /** The response may come with the command: a round trip less (RFC 4959). */
  readonly hasSaslIr: boolean;
}

/**
 * What servers were heard to offer before a login, so that it need not be asked again: a round trip of each look. Exchange's front ends
 * differ in what they list, but not in these two; one that does not know them refuses, and is asked the next time.
 */
export interface OfferMemory {
  recall(server: string): Offers | undefined;
  keep(server: string, offers: Offers): void;
  forget(server: string): void;
}

/** Front ends are replaced without notice: not for longer. */
const memoryMs = 3_600_000;
/** Servers that are remembered: one for each tenant with endpoints of its own. */
const servers = 1_000;

export function createOfferMemory(clock: { monotonic(): number }): OfferMemory {
  const known = new Map<string, { readonly offers: Offers; readonly until: number }>();
  return {
    recall(server) {
      const found = known.get(server);
      return found !== undefined && clock.monotonic() < found.until ? found.offers : undefined;
    },
    keep(server, offers) {
      if (known.size >= servers) known.clear();
      known.set(server, { offers, until: clock.monotonic() + memoryMs });
    },
    forget: (server) => void known.delete(server),
  };
}
