import { addJobFunction, checks } from "./commit-script.ts";

/**
 * What an operator does to one mailbox, each in one step. All of them take the lease away: a session that runs then writes nothing more,
 * because commit, settlement and renewal ask for it (F35).
 *
 * KEYS of all three: 1 lease, 2 mailbox, 3 due fresh, 4 due backfill, 5 in flight fresh, 6 in flight backfill, 7 push held, 8 push free
 */
const common = `
local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function takeOff(id)
  redis.call('DEL', KEYS[1])
  for i = 3, 6 do redis.call('ZREM', KEYS[i], id) end
  redis.call('HDEL', KEYS[7], id)
end`;

/**
 * Then BullMQ's nine. ARGV mailbox id, the park as JSON, ms in which no push asks again, queue prefix, packed job options, timestamp,
 * then id, name, data of each event. Answers 'parked', 'already' or 'unknown'.
 */
export function parkScript(): string {
  return `${addJobFunction()}${checks}${common}
local wrong = checkTypes({ KEYS[1], 'string', KEYS[2], 'hash', KEYS[3], 'zset', KEYS[4], 'zset', KEYS[5], 'zset', KEYS[6], 'zset',
  KEYS[7], 'hash', KEYS[8], 'zset' }) or checkQueue(9, ARGV[4], 7)
if wrong then return wrong end
if redis.call('HEXISTS', KEYS[2], 'tenant') == 0 then return 'unknown' end
local parked = redis.call('HGET', KEYS[2], 'parkedBy')
-- Sent again because the answer was lost (F04): it is this park.
if parked then return parked == ARGV[2] and 'parked' or 'already' end
redis.call('HSET', KEYS[2], 'parkedBy', ARGV[2])
redis.call('HDEL', KEYS[2], 'workingUntil', 'worker', 'poke', 'inHand')
takeOff(ARGV[1])
redis.call('ZADD', KEYS[8], 'XX', now + tonumber(ARGV[3]), ARGV[1])
addJobs(bullKeys(9), ARGV[4], ARGV[5], ARGV[6], 7)
return 'parked'`;
}

/**
 * Then BullMQ's nine. ARGV mailbox id, the park as it was read or '', ms until history goes on, queue prefix, packed job options,
 * timestamp, then id, name, data of each event.
 * Answers {status, park}: 'read' with the park that is to be named, 'resumed', 'tried' (it was not parked by an operator and is due now),
 * 'running' (a session works on it, and looks once more) or 'unknown'.
 */
export function resumeScript(): string {
  return `${addJobFunction()}${checks}${common}
local wrong = checkTypes({ KEYS[1], 'string', KEYS[2], 'hash', KEYS[3], 'zset', KEYS[4], 'zset', KEYS[8], 'zset' })
  or checkQueue(9, ARGV[4], 7)
if wrong then return wrong end
if redis.call('HEXISTS', KEYS[2], 'tenant') == 0 then return { 'unknown', '' } end
local parked = redis.call('HGET', KEYS[2], 'parkedBy') or ''
if parked ~= ARGV[2] then
  if parked ~= '' then return { 'read', parked } end
  -- Somebody else resumed it, or this is sent again: it goes on, and consumers were told once.
  return { 'resumed', '' }
end
if parked == '' and redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[2], 'poke', '1')
  return { 'running', '' }
end
redis.call('ZADD', KEYS[3], now, ARGV[1])
if redis.call('HGET', KEYS[2], 'history') == '1' then redis.call('ZADD', KEYS[4], now + tonumber(ARGV[3]), ARGV[1]) end
redis.call('ZREM', KEYS[5], ARGV[1])
if redis.call('HEXISTS', KEYS[7], ARGV[1]) == 0 then redis.call('ZADD', KEYS[8], 'XX', now, ARGV[1]) end
if parked == '' then return { 'tried', '' } end
redis.call('HDEL', KEYS[2], 'parkedBy')
addJobs(bullKeys(9), ARGV[4], ARGV[5], ARGV[6], 7)
return { 'resumed', '' }`;
}

/**
 * Then 9 push tries, 10 mailboxes, 11 checkpoints, 12 tenant ledger, 13 fleet ledger.
 * ARGV mailbox id, ms to keep the checkpoints, 0 to delete them. Answers 'removed' or 'unknown'.
 */
export function removeScript(): string {
  return `${checks}${common}
local wrong = checkTypes({ KEYS[1], 'string', KEYS[2], 'hash', KEYS[3], 'zset', KEYS[4], 'zset', KEYS[5], 'zset', KEYS[6], 'zset',
  KEYS[7], 'hash', KEYS[8], 'zset', KEYS[9], 'hash', KEYS[10], 'set', KEYS[11], 'hash', KEYS[12], 'hash', KEYS[13], 'hash' })
  or checkNumbers(KEYS[2], { 'l', 'h', 'e', 'q', 't' }) or checkNumbers(KEYS[12], { 'l', 'h', 'e', 'q', 't' })
  or checkNumbers(KEYS[13], { 'l', 'h', 'e', 'q', 't' })
if wrong then return wrong end
local isKnown = redis.call('HEXISTS', KEYS[2], 'tenant') == 1
takeOff(ARGV[1])
redis.call('ZREM', KEYS[8], ARGV[1])
redis.call('HDEL', KEYS[9], ARGV[1])
redis.call('SREM', KEYS[10], ARGV[1])
for i, name in ipairs({ 'l', 'h', 'e', 'q', 't' }) do
  local sum = tonumber(redis.call('HGET', KEYS[2], name) or '0')
  if sum ~= 0 then
    redis.call('HINCRBY', KEYS[12], name, -sum)
    redis.call('HINCRBY', KEYS[13], name, -sum)
  end
end
redis.call('DEL', KEYS[2])
if ARGV[2] == '0' then redis.call('DEL', KEYS[11]) elseif isKnown then redis.call('PEXPIRE', KEYS[11], ARGV[2]) end
return isKnown and 'removed' or 'unknown'`;
}
