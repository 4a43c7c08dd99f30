import { checks } from "./commit-script.ts";
import { addJobsFunction } from "./jobs-script.ts";

/**
 * KEYS hold, untold, mailbox, lease, then BullMQ's nine
 * ARGV hold id, mailbox id, cause as it was read or '', cause to keep or '', ms to come back, queue prefix, packed job options, timestamp,
 *      then id, name, data of the event
 * Tells consumers that one mailbox of a parked tenant stands still, and marks it, in one step: whoever goes on where another died tells
 * none twice. Answers 1 when that is done with, 0 when it is to be tried again.
 */
export function tellScript(): string {
  return `${addJobsFunction}${checks}
local wrong = checkTypes({ KEYS[1], 'hash', KEYS[2], 'zset', KEYS[3], 'hash', KEYS[4], 'string' }) or checkQueue(5, ARGV[6], 9)
if wrong then return wrong end
local hold = redis.call('HMGET', KEYS[1], 'id', 'state')
if hold[1] ~= ARGV[1] or hold[2] ~= 'parked' or not redis.call('ZSCORE', KEYS[2], ARGV[2]) then return 1 end
local known = redis.call('HMGET', KEYS[3], 'tenant', 'parkedBy', 'cause')
-- Gone, or parked by an operator, who told it.
if not known[1] or known[2] then
  redis.call('ZREM', KEYS[2], ARGV[2])
  return 1
end
-- A session that runs has read the cause and will write its own: it comes after it.
if redis.call('EXISTS', KEYS[4]) == 1 or (known[3] or '') ~= ARGV[3] then
  local t = redis.call('TIME')
  redis.call('ZADD', KEYS[2], t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[5]), ARGV[2])
  return 0
end
if ARGV[4] ~= '' then
  addJobs(bullKeys(5), ARGV[6], ARGV[7], ARGV[8], eventsFrom(9))
  redis.call('HSET', KEYS[3], 'cause', ARGV[4])
end
redis.call('ZREM', KEYS[2], ARGV[2])
return 1`;
}
