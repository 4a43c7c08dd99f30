import { limits } from "@mailfleet/core";
import { nowMs, tellDue } from "./scripts.ts";

/**
 * The Lua of push. A place is `number:random:budget`; it is alive while its score lies ahead. A mailbox is held by the place that the hash
 * names; its score in the free set is then infinite. Both change in one script, so that none is held twice and none falls between them.
 */
const isAlive = `${nowMs}
local function isAlive(place)
  local score = redis.call('ZSCORE', KEYS[1], place)
  return score and tonumber(score) > now
end`;

/** KEYS places, fence; ARGV random part, budget, lease ms. Answers the place. */
export const joinScript = `${nowMs}
local place = redis.call('INCR', KEYS[2]) .. ':' .. ARGV[1] .. ':' .. ARGV[2]
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), place)
return place`;

/**
 * KEYS places, held ; ARGV place, lease ms, ids...
 * Answers nothing when the place is over, else the ids that are not its own.
 */
export const renewPlaceScript = `${isAlive}
if not isAlive(ARGV[1]) then return nil end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
local lost = {}
for i = 3, #ARGV do
  if redis.call('HGET', KEYS[2], ARGV[i]) ~= ARGV[1] then lost[#lost + 1] = ARGV[i] end
end
return lost`;

/**
 * KEYS places, held, free(tenant) ; ARGV place, ids...
 * Answers the ids that are the place's now: those it had already are among them, so that a call that is sent again answers the same.
 */
export const claimScript = `${isAlive}
if not isAlive(ARGV[1]) then return {} end
local claimed = {}
for i = 2, #ARGV do
  local holder = redis.call('HGET', KEYS[2], ARGV[i])
  local score = redis.call('ZSCORE', KEYS[3], ARGV[i])
  if holder == ARGV[1] then
    claimed[#claimed + 1] = ARGV[i]
  elseif not holder and score and tonumber(score) <= now then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[1])
    redis.call('ZADD', KEYS[3], '+inf', ARGV[i])
    claimed[#claimed + 1] = ARGV[i]
  end
end
return claimed`;

/**
 * KEYS places, held, free(tenant) ; ARGV place, 1 to free only if the place is over, after ms, ids...
 * Frees what the place holds of these.
 */
export const freeScript = `${isAlive}
if ARGV[2] == '1' and isAlive(ARGV[1]) then return 0 end
local freed = 0
for i = 4, #ARGV do
  if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[1] then
    redis.call('HDEL', KEYS[2], ARGV[i])
    redis.call('ZADD', KEYS[3], 'XX', now + tonumber(ARGV[3]), ARGV[i])
    freed = freed + 1
  end
end
return freed`;

/** KEYS tries, free(tenant) ; ARGV id, failures in a row. Nothing is kept of a mailbox that was removed in between (F35). */
export const noteTriesScript = `
if ARGV[2] == '0' or not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return redis.call('HDEL', KEYS[1], ARGV[1]) end
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])`;

/** KEYS free(tenant), held ; ARGV ms, id. Nobody takes a free mailbox before that. */
export const postponeScript = `${nowMs}
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1 then return 0 end
return redis.call('ZADD', KEYS[1], 'XX', 'CH', now + tonumber(ARGV[1]), ARGV[2])`;

/** KEYS free(tenant), held ; ARGV how many are added, then their ids, then those that are chosen no more. */
export const chooseScript = `${nowMs}
local added = tonumber(ARGV[1])
for i = 2, added + 1 do
  redis.call('ZADD', KEYS[1], 'NX', now, ARGV[i])
  -- Held by nobody and marked as held: of a Redis that was put together from parts. It is free.
  if redis.call('HEXISTS', KEYS[2], ARGV[i]) == 0 and redis.call('ZSCORE', KEYS[1], ARGV[i]) == 'inf' then
    redis.call('ZADD', KEYS[1], now, ARGV[i])
  end
end
for i = added + 2, #ARGV do
  redis.call('ZREM', KEYS[1], ARGV[i])
  redis.call('HDEL', KEYS[2], ARGV[i])
end
return 1`;

/** KEYS survey, mailboxes ; ARGV ms. Answers 1 for the one who has to look. */
export const surveyScript = `local size = tostring(redis.call('SCARD', KEYS[2]))
if redis.call('GET', KEYS[1]) == size then return 0 end
redis.call('SET', KEYS[1], size, 'PX', ARGV[1])
return 1`;

/**
 * KEYS held, lease, mailbox, due(fresh), tenants due(fresh) ; ARGV place, id
 * A session that works on the mailbox is told; else it is due now, before polls. A mailbox that waits for a reason keeps its time: the reason is answered.
 */
export const pushPokeScript = `${nowMs}${tellDue}
if redis.call('HGET', KEYS[1], ARGV[2]) ~= ARGV[1] or redis.call('HEXISTS', KEYS[3], 'tenant') == 0
  or redis.call('HEXISTS', KEYS[3], 'parkedBy') == 1 then return 'lost' end
local cause = redis.call('HGET', KEYS[3], 'cause')
if cause then
  local isRead, read = pcall(cjson.decode, cause)
  local isPart = isRead and type(read) == 'table' and read['state'] == 'waiting' and (read['scope'] == 'folder' or read['scope'] == 'message')
  if not isPart then return cause end
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('HSET', KEYS[3], 'poke', '1')
else
  redis.call('ZADD', KEYS[4], 'LT', now - ${limits.pokeAheadMs}, ARGV[2])
  tellDue(KEYS[5], now, ARGV[2])
end
return 'poked'`;
