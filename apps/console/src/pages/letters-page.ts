import { lettersSentence } from "@mailfleet/core";
import type { DeadLettersPage } from "@mailfleet/core/console";
import type { PageSources } from "./page-sources.ts";

export async function lettersPage(sources: PageSources, params: URLSearchParams): Promise<DeadLettersPage> {
  const { letters, config } = sources;
  const [list, load, discarded] = await Promise.all([letters.list(), sources.load(), sources.discarded()]);
  const opened = params.get("cause");
  const found = opened === null ? undefined : await letters.open(opened);
  return {
    sentence: lettersSentence(list.letters, list.causes.length),
    listedAt: list.at,
    letters: list.letters,
    causes: list.causes,
    ...(found && { opened: found }),
    discarded,
    load,
    marks: config.downstream,
  };
}
