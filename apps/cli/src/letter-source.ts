import { type Fleet, openStore } from "@mailfleet/checks";
import type { Config } from "@mailfleet/config";
import { secretsOf } from "@mailfleet/config";
import { consumerLetter, createScrubber, type LetterFacts } from "@mailfleet/core";
import { setAsideLetters } from "@mailfleet/engine";
import { openBlobStore } from "@mailfleet/blobs";
import { type DeadLetter, type DeadLetters, openDeadLetters, shardedLetters } from "@mailfleet/queue";
import { systemChance, systemClock } from "@mailfleet/runtime";
import { LetterLists, type LetterList, type ListedLetter } from "./letter-list.ts";
import { eachShard } from "./wire.ts";

/** Everything that failed: letters of the queue, and messages that were set aside. */
export interface LetterSource {
  readonly jobs: DeadLetters;
  readonly lists: LetterLists;
  readonly scrub: (text: string) => string;
  /** Lists all of it anew. @param upTo epoch ms: what had failed by then; now where it is not given */
  freeze(onCount: (letters: number) => void, upTo?: number): Promise<LetterList>;
  causeOf(letter: DeadLetter): LetterFacts;
  close(): Promise<void>;
}

export async function openLetters(config: Config, fleet: Fleet): Promise<LetterSource> {
  const { parts, close } = await eachShard(fleet, ({ keys }, queue) => openDeadLetters(queue, keys));
  const jobs = parts.all.length === 1 ? parts.of("") : shardedLetters(parts);
  const lists = new LetterLists(config.dataDir);
  const scrub = createScrubber(secretsOf(config));
  const causeOf = (letter: DeadLetter): LetterFacts => consumerLetter(letter, scrub);
  const all = async function* (
    upTo: number,
    onCount: (letters: number) => void,
  ): AsyncGenerator<LetterFacts & Pick<ListedLetter, "kind" | "id">> {
    let count = 0;
    for await (const page of jobs.pages(upTo)) {
      for (const letter of page) yield { ...causeOf(letter), kind: "job", id: letter.id };
      onCount((count += page.length));
    }
    yield* setAside(config, fleet);
  };
  return {
    jobs,
    lists,
    scrub,
    causeOf,
    async freeze(onCount, upTo) {
      const at = upTo ?? (await fleet.reader.now());
      return lists.freeze(at, all(at, onCount));
    },
    close,
  };
}

/** Messages that were set aside, of the mailboxes whose ledger counts some. */
async function* setAside(config: Config, fleet: Fleet): AsyncGenerator<LetterFacts & Pick<ListedLetter, "kind" | "id">> {
  const blobs = openBlobStore(config.blobs, { clock: systemClock, chance: systemChance });
  const store = openStore(fleet, "dead-letters");
  const found = (await fleet.reader.mailboxes()).filter(({ ledger }) => ledger.quarantined > 0);
  yield* setAsideLetters({ blobs, store }, found);
}
