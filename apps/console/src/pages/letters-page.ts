import { lettersSentence } from "@mailfleet/core";
import type { DeadLettersPage } from "@mailfleet/core/console";
import type { PageSources } from "./page-sources.ts";

export async function lettersPage(sources: PageSources, params: URLSearchParams): Promise<DeadLettersPage> {
  const { letters, config, live } = sources;
  const [believed, load, discarded] = await Promise.all([letters.list(), sources.load(), sources.discarded()]);
  // A page that was told of another number asks once: an older list would stay on it.
  const list = believed.letters === live.memory.summary.deadLetters ? believed : await letters.list(true);
  const opened = params.get("cause");
  const found = opened === null ? undefined : await letters.open(opened);
  return {
    sentence: lettersSentence(list.letters, list.causes.length),
    listedAt: list.at,
    letters: list.letters,
    newestLetterAt: list.newestAt,
    causes: list.causes,
    ...(found && { opened: found }),
    discarded,
    load,
    marks: config.downstream,
  };
}
