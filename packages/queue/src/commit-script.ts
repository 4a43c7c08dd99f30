import { addJobsFunction } from "./jobs-script.ts";

/**
 * Every type, number and right is looked at before the first write, because Lua does not roll back (F14). A full Redis, a full disk and
 * a replica refuse at the first write by themselves. Rights can be asked from Redis 7 on.
 */
export const checks = `
local function refuse(what) return redis.error_reply('MAILFLEET ' .. what) end
local function isType(key, wanted)
  local found = redis.call('TYPE', key)['ok']
  return found == 'none' or found == wanted
end
local function checkTypes(pairs)
  for i = 1, #pairs, 2 do
    if not isType(pairs[i], pairs[i + 1]) then return refuse('wrong type at ' .. pairs[i]) end
  end
end
local function checkNumbers(key, fields)
  for i, value in ipairs(redis.call('HMGET', key, unpack(fields))) do
    if value and not string.match(value, '^%-?%d+$') then return refuse('no number at ' .. key .. ' ' .. fields[i]) end
  end
end
local function checkRights(commands)
  if not redis.acl_check_cmd then return end
  for _, command in ipairs(commands) do
    if not redis.acl_check_cmd(unpack(command)) then
      return redis.error_reply('NOPERM ' .. command[1] .. ' is not allowed at ' .. command[2])
    end
  end
end
local function checkQueue(first, prefix, firstEvent)
  -- Without an event nothing of the queue is written.
  if #ARGV < firstEvent then return end
  local wrong = checkTypes({ KEYS[first], 'list', KEYS[first + 2], 'hash', KEYS[first + 3], 'string', KEYS[first + 4], 'zset',
    KEYS[first + 5], 'zset', KEYS[first + 6], 'list', KEYS[first + 7], 'stream', KEYS[first + 8], 'zset' })
  if wrong then return wrong end
  local counter = redis.call('GET', KEYS[first + 3])
  if counter and not string.match(counter, '^%d+$') then return refuse('no number at ' .. KEYS[first + 3]) end
  for i = firstEvent, #ARGV, 3 do
    local job = prefix .. ARGV[i]
    if not isType(job, 'hash') then return refuse('wrong type at ' .. job) end
  end
  local job = prefix .. ARGV[firstEvent]
  return checkNumbers(KEYS[first + 2], { 'opts.maxLenEvents', 'concurrency' }) or checkRights({
    { 'INCRBY', KEYS[first + 3], '1' }, { 'HGET', KEYS[first + 2], 'f' }, { 'HSET', KEYS[first + 2], 'f', 'v' }, { 'HMGET', KEYS[first + 2], 'f' },
    { 'EXISTS', job }, { 'HMSET', job, 'f', 'v' }, { 'XADD', KEYS[first + 7], '*', 'f', 'v' }, { 'LLEN', KEYS[first + 6] },
    { 'LPUSH', KEYS[first], 'v' }, { 'ZADD', KEYS[first + 8], '0', 'v' },
  })
end
local function bullKeys(first)
  local keys = {}
  for i = 0, 8 do keys[i + 1] = KEYS[first + i] end
  return keys
end
`;

/**
 * KEYS lease, checkpoints, mailbox, tenant ledger, fleet ledger, then BullMQ's nine of the messages queue
 * ARGV token, commit id, folder, expected version, ledger `l h e q t`, checkpoint, queue prefix, packed job options, timestamp,
 *      then id, name, data of each event
 * Answers {status, version, poked}.
 */
export function commitScript(): string {
  return `${addJobsFunction}${checks}
local names = { 'l', 'h', 'e', 'q', 't' }
local wrong = checkTypes({ KEYS[1], 'string', KEYS[2], 'hash', KEYS[3], 'hash', KEYS[4], 'hash', KEYS[5], 'hash' })
  or checkNumbers(KEYS[3], names) or checkNumbers(KEYS[4], names) or checkNumbers(KEYS[5], names)
  or checkQueue(6, ARGV[7], 10)
  or checkRights({ { 'HINCRBY', KEYS[3], 'l', '1' }, { 'HINCRBY', KEYS[4], 'l', '1' }, { 'HINCRBY', KEYS[5], 'l', '1' },
    { 'HSET', KEYS[2], ARGV[3], 'v' }, { 'HDEL', KEYS[3], 'poke' } })
if wrong then return wrong end
local stored = redis.call('HGET', KEYS[2], ARGV[3])
local version, commitId, ledger = 0, '', '0 0 0 0 0'
if stored then
  local v, c, l = string.match(stored, '^(%d+)\\n([^\\n]*)\\n([^\\n]*)\\n')
  version, commitId, ledger = tonumber(v) or 0, c or '', l or ledger
end
-- First: a commit that was applied, and is sent again after its lease ran out, is done and not refused.
if commitId == ARGV[2] then return { 'applied', version, redis.call('HGET', KEYS[3], 'poke') and 1 or 0 } end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return { 'fenced', 0, 0 } end
if version ~= tonumber(ARGV[4]) then return { 'stale', version, 0 } end
local before, after = {}, {}
for n in string.gmatch(ledger, '%-?%d+') do before[#before + 1] = tonumber(n) end
for n in string.gmatch(ARGV[5], '%-?%d+') do after[#after + 1] = tonumber(n) end
addJobs(bullKeys(6), ARGV[7], ARGV[8], ARGV[9], eventsFrom(10))
for i, name in ipairs(names) do
  local change = after[i] - (before[i] or 0)
  if change ~= 0 then
    for k = 3, 5 do redis.call('HINCRBY', KEYS[k], name, change) end
  end
end
redis.call('HSET', KEYS[2], ARGV[3], (version + 1) .. '\\n' .. ARGV[2] .. '\\n' .. ARGV[5] .. '\\n' .. ARGV[6])
local poked = redis.call('HDEL', KEYS[3], 'poke')
redis.call('HDEL', KEYS[3], 'inHand')
return { 'applied', version + 1, poked }`;
}

/**
 * KEYS lease, mailbox, due fresh, due backfill, in flight fresh, in flight backfill, then BullMQ's nine, then 16 tenants due
 * fresh, 17 backfill
 * ARGV token, mailbox id, checked 0/1, opened 0/1, fresh due in ms, backfill due in ms or -1, cause JSON or '', pace or '', listing or '',
 *      rhythm or '' for the one that is stored, queue prefix, packed job options, timestamp, then id, name, data of each event
 * Answers 1, or 0 when the lease is somebody else's.
 */
export function settleScript(): string {
  return `${addJobsFunction}${checks}
local wrong = checkTypes({ KEYS[1], 'string', KEYS[2], 'hash', KEYS[3], 'zset', KEYS[4], 'zset', KEYS[5], 'zset', KEYS[6], 'zset',
  KEYS[16], 'zset', KEYS[17], 'zset' }) or checkQueue(7, ARGV[11], 14)
  or checkRights({ { 'HDEL', KEYS[2], 'f' }, { 'HSET', KEYS[2], 'f', 'v' }, { 'ZADD', KEYS[3], '0', 'v' }, { 'ZADD', KEYS[4], '0', 'v' },
    { 'ZREM', KEYS[4], 'v' }, { 'ZREM', KEYS[5], 'v' }, { 'ZREM', KEYS[6], 'v' }, { 'DEL', KEYS[1] },
    { 'ZADD', KEYS[16], 'LT', '0', 'v' }, { 'ZADD', KEYS[17], 'LT', '0', 'v' } })
if wrong then return wrong end
-- One that was applied and is sent again, because its answer was lost, is done and not refused (F04).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.call('HGET', KEYS[2], 'settled') == ARGV[1] and 1 or 0 end
local isPoked = redis.call('HGET', KEYS[2], 'poke')
local t = redis.call('TIME')
-- The first write: a full Redis refuses a script that begins with one that needs room, and this one must still tell why the mailbox waits.
redis.call('HDEL', KEYS[2], 'workingUntil', 'worker', 'poke', 'inHand')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local freshAt = now + tonumber(ARGV[5])
if ARGV[7] == '' and isPoked then freshAt = now end
addJobs(bullKeys(7), ARGV[11], ARGV[12], ARGV[13], eventsFrom(14))
redis.call('ZADD', KEYS[3], freshAt, ARGV[2])
local tenant = string.match(ARGV[2], '^[^/]+')
redis.call('ZADD', KEYS[16], 'LT', freshAt, tenant)
if ARGV[6] == '-1' then
  redis.call('ZREM', KEYS[4], ARGV[2])
else
  redis.call('ZADD', KEYS[4], now + tonumber(ARGV[6]), ARGV[2])
  redis.call('ZADD', KEYS[17], 'LT', now + tonumber(ARGV[6]), tenant)
end
redis.call('HSET', KEYS[2], 'nextAt', freshAt, 'history', ARGV[6] == '-1' and '0' or '1', 'settled', ARGV[1])
if ARGV[3] == '1' then redis.call('HSET', KEYS[2], 'checkedAt', now) end
if ARGV[4] == '1' then redis.call('HSET', KEYS[2], 'opened', '1') end
if ARGV[7] == '' then redis.call('HDEL', KEYS[2], 'cause') else redis.call('HSET', KEYS[2], 'cause', ARGV[7]) end
if ARGV[8] == '' then redis.call('HDEL', KEYS[2], 'pace') else redis.call('HSET', KEYS[2], 'pace', ARGV[8]) end
if ARGV[9] == '' then redis.call('HDEL', KEYS[2], 'listing') else redis.call('HSET', KEYS[2], 'listing', ARGV[9]) end
if ARGV[10] ~= '' then redis.call('HSET', KEYS[2], 'rhythm', ARGV[10]) end
redis.call('ZREM', KEYS[5], ARGV[2])
redis.call('ZREM', KEYS[6], ARGV[2])
redis.call('DEL', KEYS[1])
return 1`;
}
