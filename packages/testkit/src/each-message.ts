import type { FetchedMessage } from "@mailfleet/core";

/** What a session's `fetch` gives, message by message, however it is divided. @throws Error for an array of none */
export async function* eachMessage(fetched: AsyncIterable<readonly FetchedMessage[]>): AsyncGenerator<FetchedMessage, void, void> {
  for await (const messages of fetched) {
    if (messages.length === 0) throw new Error("a session gave an array of no messages");
    yield* messages;
  }
}
