import { limits, purgeMark } from "@mailfleet/core";
import { checks } from "./commit-script.ts";
import { addJobsFunction } from "./jobs-script.ts";

/**
 * What an operator does to one mailbox, each in one step. All of them take the lease away: a session that runs then writes nothing more,
 * because commit, settlement and renewal ask for it (F35). It may still write to the blob store until it notices: a key beside the lease
 * says for how long at most, which only a purge has to know.
 *
 * KEYS of all three: 1 lease, 2 mailbox, 3 due fresh, 4 due backfill, 5 in flight fresh, 6 in flight backfill, 7 push held, 8 push free,
 * 9 the tenant's hold. ARGV of all three: 1 mailbox id, 2 tenant, 3 channel of signals. Signals are advice: a user without the right to
 * publish them still parks, and the session finds out at its next write.
 */
const common = `
local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function takeOff(id)
  local holder = redis.call('GET', KEYS[1])
  redis.call('DEL', KEYS[1])
  if holder and string.sub(holder, 1, ${purgeMark.length}) ~= '${purgeMark}' then
    redis.call('SET', KEYS[1] .. ':ending', '1', 'PX', ${limits.leaseMs})
  end
  for i = 3, 6 do redis.call('ZREM', KEYS[i], id) end
  redis.call('HDEL', KEYS[7], id)
end
local function tell(kind, untilMs)
  redis.pcall('PUBLISH', ARGV[3], cjson.encode({ kind = kind, tenant = ARGV[2], mailbox = ARGV[1], untilMs = untilMs, code = 'PARKED_BY_OPERATOR' }))
end`;

/**
 * Then BullMQ's nine. ARGV then the park as JSON, ms in which no push asks again, queue prefix, packed job options, timestamp,
 * then id, name, data of each event. Answers 'parked', 'already' or 'unknown'.
 */
export function parkScript(): string {
  return `${addJobsFunction}${checks}${common}
local wrong = checkTypes({ KEYS[1], 'string', KEYS[2], 'hash', KEYS[3], 'zset', KEYS[4], 'zset', KEYS[5], 'zset', KEYS[6], 'zset',
  KEYS[7], 'hash', KEYS[8], 'zset' }) or checkQueue(10, ARGV[6], 9)
if wrong then return wrong end
if redis.call('HEXISTS', KEYS[2], 'tenant') == 0 then return 'unknown' end
local parked = redis.call('HGET', KEYS[2], 'parkedBy')
-- Sent again because the answer was lost (F04): it is this park.
if parked then return parked == ARGV[4] and 'parked' or 'already' end
redis.call('HSET', KEYS[2], 'parkedBy', ARGV[4])
redis.call('HDEL', KEYS[2], 'workingUntil', 'worker', 'poke', 'inHand')
takeOff(ARGV[1])
redis.call('ZADD', KEYS[8], 'XX', now + tonumber(ARGV[5]), ARGV[1])
addJobs(bullKeys(10), ARGV[6], ARGV[7], ARGV[8], eventsFrom(9))
tell('hint', now + tonumber(ARGV[5]))
return 'parked'`;
}

/**
 * Then BullMQ's nine, then 19 whom consumers are to be told of, 20 tenants due fresh, 21 backfill. ARGV then the park as it was read or '', ms until history goes on, queue prefix, packed job options,
 * timestamp, then id, name, data of each event.
 * Answers {status, park}: 'read' with the park that is to be named, 'resumed', 'tried' (it was not parked by an operator and is due now),
 * 'running' (a session works on it, and looks once more) or 'unknown'.
 */
export function resumeScript(): string {
  return `${addJobsFunction}${checks}${common}
local wrong = checkTypes({ KEYS[1], 'string', KEYS[2], 'hash', KEYS[3], 'zset', KEYS[4], 'zset', KEYS[8], 'zset', KEYS[9], 'hash', KEYS[19], 'zset',
  KEYS[20], 'zset', KEYS[21], 'zset' }) or checkQueue(10, ARGV[6], 9)
if wrong then return wrong end
if redis.call('HEXISTS', KEYS[2], 'tenant') == 0 then return { 'unknown', '' } end
local parked = redis.call('HGET', KEYS[2], 'parkedBy') or ''
if parked ~= ARGV[4] then
  if parked ~= '' then return { 'read', parked } end
  -- Somebody else resumed it, or this is sent again: it goes on, and consumers were told once.
  return { 'resumed', '' }
end
-- Whatever it was told to wait for is over, for its tenant as well: who asks wants to see it tried.
tell('release', now)
if redis.call('HEXISTS', KEYS[9], 'id') == 1 then redis.call('HSET', KEYS[9], 'nextAt', now) end
if parked == '' and redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[2], 'poke', '1')
  return { 'running', '' }
end
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('ZADD', KEYS[20], 'LT', now, ARGV[2])
if redis.call('HGET', KEYS[2], 'history') == '1' then
  redis.call('ZADD', KEYS[4], now + tonumber(ARGV[5]), ARGV[1])
  redis.call('ZADD', KEYS[21], 'LT', now + tonumber(ARGV[5]), ARGV[2])
end
redis.call('ZREM', KEYS[5], ARGV[1])
if redis.call('HEXISTS', KEYS[7], ARGV[1]) == 0 then redis.call('ZADD', KEYS[8], 'XX', now, ARGV[1]) end
if parked == '' then return { 'tried', '' } end
redis.call('HDEL', KEYS[2], 'parkedBy')
-- Of a tenant that is parked itself: consumers were told of the others, and hear now that this one stands still as well.
if redis.call('HGET', KEYS[9], 'state') == 'parked' then redis.call('ZADD', KEYS[19], now, ARGV[1]) end
addJobs(bullKeys(10), ARGV[6], ARGV[7], ARGV[8], eventsFrom(9))
return { 'resumed', '' }`;
}

/**
 * Then 10 push tries, 11 mailboxes, 12 checkpoints, 13 tenant ledger, 14 fleet ledger, 15 whom consumers are to be told of.
 * ARGV then ms to keep the checkpoints, 0 to delete them, ms for which running sessions are told to be quiet. Answers 'removed' or 'unknown'.
 */
export function removeScript(): string {
  return `${checks}${common}
local wrong = checkTypes({ KEYS[1], 'string', KEYS[2], 'hash', KEYS[3], 'zset', KEYS[4], 'zset', KEYS[5], 'zset', KEYS[6], 'zset',
  KEYS[7], 'hash', KEYS[8], 'zset', KEYS[10], 'hash', KEYS[11], 'set', KEYS[12], 'hash', KEYS[13], 'hash', KEYS[14], 'hash', KEYS[15], 'zset' })
  or checkNumbers(KEYS[2], { 'l', 'h', 'e', 'q', 't' }) or checkNumbers(KEYS[13], { 'l', 'h', 'e', 'q', 't' })
  or checkNumbers(KEYS[14], { 'l', 'h', 'e', 'q', 't' })
if wrong then return wrong end
local isKnown = redis.call('HEXISTS', KEYS[2], 'tenant') == 1
takeOff(ARGV[1])
redis.call('ZREM', KEYS[8], ARGV[1])
redis.call('HDEL', KEYS[10], ARGV[1])
redis.call('SREM', KEYS[11], ARGV[1])
redis.call('ZREM', KEYS[15], ARGV[1])
for i, name in ipairs({ 'l', 'h', 'e', 'q', 't' }) do
  local sum = tonumber(redis.call('HGET', KEYS[2], name) or '0')
  if sum ~= 0 then
    redis.call('HINCRBY', KEYS[13], name, -sum)
    redis.call('HINCRBY', KEYS[14], name, -sum)
  end
end
redis.call('DEL', KEYS[2])
if ARGV[4] == '0' then redis.call('DEL', KEYS[12]) elseif isKnown then redis.call('PEXPIRE', KEYS[12], ARGV[4]) end
if isKnown then tell('hint', now + tonumber(ARGV[5])) end
return isKnown and 'removed' or 'unknown'`;
}
