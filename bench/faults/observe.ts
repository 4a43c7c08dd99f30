import type { FailureCode, FailureScope } from "@mailfleet/core";
import type { FleetReader } from "@mailfleet/store";

/** A cause as it was when it was first seen. */
export interface SeenCause {
  readonly code: FailureCode;
  readonly scope: FailureScope;
  readonly state: "parked" | "waiting";
  readonly tries: number;
  /** Seconds from then to the next look. */
  readonly waitSeconds: number;
}

export interface Observer {
  /** Every cause that the mailbox has had, the first of each code and try. */
  seen(address: string): readonly SeenCause[];
  /** Addresses that have no cause and were checked. */
  fresh(): ReadonlySet<string>;
  stop(): Promise<void>;
}

const lookMs = 150;

/** Looks at what is stored of the fleet, as `status` does, until it is stopped. */
export function observe(reader: FleetReader): Observer {
  const causes = new Map<string, SeenCause[]>();
  let fresh: ReadonlySet<string> = new Set();
  const end = new AbortController();
  const look = async (): Promise<void> => {
    const [now, records] = await Promise.all([reader.now(), reader.mailboxes()]);
    fresh = new Set(records.filter((one) => one.cause === undefined && one.checkedAt !== undefined).map((one) => one.address));
    for (const { address, cause } of records) {
      if (!cause) continue;
      const known = causes.get(address) ?? [];
      causes.set(address, known);
      if (known.some((one) => one.code === cause.code && one.tries === cause.tries)) continue;
      const { code, scope, state, tries, nextAt } = cause;
      known.push({ code, scope, state, tries, waitSeconds: (nextAt - now) / 1_000 });
    }
  };
  const looking = (async () => {
    while (!end.signal.aborted) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  })();
  return {
    seen: (address) => causes.get(address) ?? [],
    fresh: () => fresh,
    async stop() {
      end.abort();
      await looking;
    },
  };
}
