import { createRequire } from "node:module";
import { limits } from "@mailfleet/core";
import { addJobsFunction } from "./jobs-script.ts";

/** BullMQ's own Lua for trying a finished job again, as a function inside our scripts; it is internal to BullMQ, which is
 * therefore pinned exactly; `dead-letters.redis.test.ts` holds what it does. */
function reprocessFunction(): string {
  const require = createRequire(import.meta.url);
  const { reprocessJob } = require("bullmq/dist/cjs/scripts/reprocessJob-9.js") as { reprocessJob: { content: string; keys: number } };
  if (reprocessJob.keys !== 9) throw new Error("BullMQ's reprocessJob script has changed: it must take 9 keys");
  return `local function reprocessJob(KEYS, ARGV)\n${reprocessJob.content}\nend
local function tryAgain(first, jobKey, id)
  return reprocessJob({ jobKey, KEYS[first], KEYS[first + 1], KEYS[first + 2], KEYS[first + 3], KEYS[first + 4], KEYS[first + 5],
    KEYS[first + 6], KEYS[first + 7] }, { id, 'LPUSH', 'failedReason', 'failed', '1', '1' })
end
`;
}

/** The queue's keys behind a job's own, in the order of BullMQ's reprocessJob. */
export const reprocessKeys = ["events", "failed", "wait", "meta", "active", "marker", "prioritized", "pc"] as const;

/**
 * KEYS `reprocessKeys`
 * ARGV the queue's key prefix, then id and time of failure of each letter
 * Tries letters again that are as they were when they were listed. Answers for each 1, 0 when it is gone, -1 when it moved on since.
 */
export function retryLettersScript(): string {
  return `${reprocessFunction()}
local answers = {}
for i = 2, #ARGV, 2 do
  local jobKey = ARGV[1] .. ARGV[i]
  local finishedOn = redis.call('HGET', jobKey, 'finishedOn')
  if not finishedOn then answers[#answers + 1] = redis.call('EXISTS', jobKey) == 1 and -1 or 0
  elseif finishedOn ~= ARGV[i + 1] then answers[#answers + 1] = -1
  else answers[#answers + 1] = tryAgain(1, jobKey, ARGV[i]) == 1 and 1 or -1 end
end
return answers`;
}

/**
 * KEYS events, failed, the list of what this discard took
 * ARGV as above
 * Removes letters that are as they were when they were listed: one that waits again is somebody's message and stays. The names of those that
 * are removed are kept, and no others: what is put back later was somebody's otherwise, and would come twice.
 */
export const discardLettersScript = `
local answers = {}
for i = 2, #ARGV, 2 do
  local jobKey = ARGV[1] .. ARGV[i]
  local finishedOn = redis.call('HGET', jobKey, 'finishedOn')
  if not finishedOn then answers[#answers + 1] = redis.call('EXISTS', jobKey) == 1 and -1 or 0
  elseif finishedOn ~= ARGV[i + 1] or redis.call('ZREM', KEYS[2], ARGV[i]) == 0 then answers[#answers + 1] = -1
  else
    -- Behind a write that takes no memory: a full Redis lets letters be discarded.
    redis.call('RPUSH', KEYS[3], ARGV[i])
    redis.call('PEXPIRE', KEYS[3], ${limits.discardedLettersMs})
    redis.call('DEL', jobKey, jobKey .. ':logs')
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'event', 'removed', 'jobId', ARGV[i], 'prev', 'failed')
    answers[#answers + 1] = 1
  end
end
return answers`;

/** KEYS events, failed ; ARGV as above. Says what the scripts above would answer, and changes nothing. */
export const inspectLettersScript = `
local answers = {}
for i = 2, #ARGV, 2 do
  local jobKey = ARGV[1] .. ARGV[i]
  local finishedOn = redis.call('HGET', jobKey, 'finishedOn')
  if not finishedOn then answers[#answers + 1] = redis.call('EXISTS', jobKey) == 1 and -1 or 0
  else answers[#answers + 1] = finishedOn == ARGV[i + 1] and redis.call('ZSCORE', KEYS[2], ARGV[i]) and 1 or -1 end
end
return answers`;

/**
 * KEYS `reprocessKeys`, then the nine keys that BullMQ names where it adds a job
 * ARGV the queue's key prefix, packed job options, timestamp, then id, name, data of each event
 * Answers for each 'added', 'retried' for a dead letter that gets fresh attempts, or 'waiting' for one that is in the queue as it is.
 */
export function reissueScript(): string {
  return `${addJobsFunction}${reprocessFunction()}
local bull = {}
for i = 9, 17 do bull[#bull + 1] = KEYS[i] end
local answers = {}
for i = 4, #ARGV, 3 do
  local jobKey = ARGV[1] .. ARGV[i]
  if redis.call('EXISTS', jobKey) == 0 then
    addJobs(bull, ARGV[1], ARGV[2], ARGV[3], { i })
    answers[#answers + 1] = 'added'
  elseif redis.call('ZSCORE', KEYS[2], ARGV[i]) then
    answers[#answers + 1] = tryAgain(1, jobKey, ARGV[i]) == 1 and 'retried' or 'waiting'
  else
    answers[#answers + 1] = 'waiting'
  end
end
return answers`;
}
