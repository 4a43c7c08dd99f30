/** More combinations of flags than this in one mailbox are not flags that anybody sets. */
const mostCombinations = 4_096;

/** Gives equal flag lists as one: a folder of 100,000 messages has a dozen different ones. */
export class SharedFlags {
  readonly #known = new Map<string, readonly string[]>();

  share(flags: readonly string[]): readonly string[] {
    const key = flags.join(" ");
    const known = this.#known.get(key);
    if (known) return known;
    if (this.#known.size < mostCombinations) this.#known.set(key, flags);
    return flags;
  }
}
