import type { MailStore } from "./store/mail-store.ts";
import type { MessageGenerator } from "./world/message-generator.ts";
import { Random, hashNumbers, hashText } from "./world/random.ts";

/**
 * New mail to some inbox every so many seconds. The n-th message is the same in every start but for its date; a restart goes on with the next.
 * Returns what stops it.
 */
export function startTrickle(
  store: MailStore,
  generator: MessageGenerator,
  seed: string,
  seconds: number,
  isRefused: (address: string) => boolean,
): () => void {
  const addresses = [...store.addresses()].filter((address) => !isRefused(address));
  if (seconds <= 0 || addresses.length === 0) return () => {};
  const start = hashText(`${seed}/trickle`);
  let number = store.trickled;
  const timer = setInterval(() => {
    const hash = hashNumbers(start, number++);
    const owner = new Random(hashNumbers(hash, 7)).pick(addresses);
    const date = Math.floor(Date.now() / 1000) * 1000;
    const messageId = `<live.${String(number)}.${hash.toString(36)}@mail.${owner.slice(owner.indexOf("@") + 1)}>`;
    const raw = generator.generate({ hash, owner, isOutgoing: false, date, messageId, references: [], threadHash: hash });
    store.deliver(owner, "INBOX", raw, 0, date, true);
  }, seconds * 1000);
  return () => clearInterval(timer);
}
