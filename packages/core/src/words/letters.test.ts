import { expect, test } from "vitest";
import { quarantineCodes } from "../event.ts";
import { causeWords, lettersSentence, ownerWords, quarantineText } from "./letters.ts";
import { lettersDoneSentence, replayNotes, replaySentence } from "./replay.ts";

const cause = { fullId: "c7f21234", owner: { kind: "consumer" as const }, text: "HTTP 503 from crm.internal" };
const none = { chosen: 0, outcomes: { added: 0, retried: 0, waiting: 0 }, failed: 0, quarantined: 0, readNow: 0, leftOut: 0 };

test.each([
  [lettersSentence(1_243, 3), "1,243 dead letters from 3 causes"],
  [lettersSentence(1, 1), "1 dead letter from 1 cause"],
  [lettersSentence(0, 0), "Nothing failed."],
  [causeWords({ ...cause, letters: 1_207, leastTries: 8, mostTries: 8 }), "HTTP 503 from crm.internal, 8 tries each"],
  [causeWords({ ...cause, letters: 2, leastTries: 1, mostTries: 8 }), "HTTP 503 from crm.internal, 1 to 8 tries"],
  [causeWords({ ...cause, letters: 1, leastTries: 1, mostTries: 1 }), "HTTP 503 from crm.internal, 1 try"],
  [causeWords({ ...cause, letters: 4 }), "HTTP 503 from crm.internal"],
  [ownerWords({ kind: "consumer", name: "crm\u001b[1m" }), "consumer crm[1m"],
  [ownerWords({ kind: "message" }), "message"],
  [
    replaySentence({ ...none, outcomes: { added: 140, retried: 1, waiting: 1 } }),
    "142 messages replayed: 140 put on the queue, 1 dead letter got fresh attempts, 1 waits there anyway.",
  ],
  [replaySentence(none), "0 messages replayed: 0 put on the queue."],
  [
    replayNotes({ ...none, quarantined: 1, readNow: 2, leftOut: 3 }).join(" "),
    "2 messages that had been set aside could be read now. 1 message went out as set aside once more. 3 messages no longer on the server were left out; --removed takes them too.",
  ],
  [lettersDoneSentence("replay", false, { done: 1_207, gone: 0, moved: 0 }), "1,207 letters got fresh attempts."],
  [
    lettersDoneSentence("discard", true, { done: 1, gone: 2, moved: 1 }),
    "1 letter would be discarded; 2 are no longer in the queue, 1 moved on since it was listed, left alone.",
  ],
])("%s", (said, expected) => {
  expect(said).toBe(expected);
});

test.each(quarantineCodes)("%s has words of its own", (code) => {
  expect(quarantineText(code)).toMatch(/^[A-Za-z].*, quarantined$/);
});
