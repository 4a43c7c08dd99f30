import { type PushLeases, syncError } from "@mailfleet/core";

/** Foreign errors carry the whole command: only the first word of Redis' answer goes on. */
export function withPlainErrors(leases: PushLeases): PushLeases {
  const plain =
    <A extends unknown[], T>(method: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      try {
        return await method(...args);
      } catch (error) {
        const word = /^[A-Z]{2,20}/.exec(error instanceof Error ? error.message : "")?.[0] ?? "no answer";
        throw syncError("REDIS_UNAVAILABLE", `Redis did not take a step of push (${word}). Mailboxes are polled meanwhile.`, {
          layer: "redis",
          code: word,
        });
      }
    };
  const { join, renew, look, claim, giveBack, tidy, leave, loginSlot, poke, choose } = leases;
  return {
    join: plain(join),
    renew: plain(renew),
    look: plain(look),
    claim: plain(claim),
    giveBack: plain(giveBack),
    tidy: plain(tidy),
    leave: plain(leave),
    loginSlot: plain(loginSlot),
    poke: plain(poke),
    choose: plain(choose),
  };
}
