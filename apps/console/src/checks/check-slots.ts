import { Refusal } from "../http/refusal.ts";

/** Each logs in to a mail server and to a login service: a console is there for looking, and not for testing a fleet. */
const mostAtOnce = 3;

/** Who is being checked now. A place is taken until the check has really ended, also where nobody waits for it any more. */
export class CheckSlots {
  readonly #taken = new Set<string>();

  /** @param subject `tenant/address`, or `tenant/` for all of a tenant. @throws Refusal TOO_MANY */
  take(subject: string): () => void {
    if (this.#taken.has(subject)) {
      throw new Refusal("TOO_MANY", "A check of this is running already.", { todo: "It shows here when it is done; or stop it first." });
    }
    if (this.#taken.size >= mostAtOnce) {
      throw new Refusal("TOO_MANY", `${mostAtOnce} checks are running already.`, { todo: "Wait until one of them is done." });
    }
    this.#taken.add(subject);
    return () => this.#taken.delete(subject);
  }
}
