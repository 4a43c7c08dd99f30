import { limits } from "@mailfleet/core";
import { nowMs } from "./scripts.ts";

/** What is left of a tenant's logins; `rate` and `tokens` afterwards. Fields: rate, tokens, at, grewAt, slowedAt, calmUntil, owed (to history). */
const readRate = `
local function readRate(key, atFirst, most)
  local known = redis.call('HMGET', key, 'rate', 'tokens', 'at', 'grewAt', 'calmUntil')
  local rate = math.min(math.max(tonumber(known[1]) or atFirst, ${limits.loginsAtLeast}), most)
  local burst = math.max(2, rate)
  local tokens = tonumber(known[2]) or burst
  local at, grewAt, calmUntil = tonumber(known[3]) or now, tonumber(known[4]), tonumber(known[5]) or 0
  -- Of a clock that was set back, or another Redis': what it says is not waited for.
  if at > now + 1000 then
    tokens, at = math.max(tokens, 1), now
    if grewAt then grewAt = math.min(grewAt, now) end
    calmUntil = math.min(calmUntil, now + ${limits.loginsCalmMs})
  end
  return rate, math.min(burst, tokens + rate * math.max(0, now - at) / 1000), grewAt, calmUntil
end`;

/**
 * KEYS due, inflight, inflight of the other lane, hold, login rate: five of each tenant
 * ARGV how many in all, cap in flight per tenant, taken ms, cap in flight over all tenants or -1, lane, cap per host, canary ms,
 *      then of each tenant: number of its host, logins per second at first, and at most
 * Takes due mailboxes, oldest first, in turns over the tenants, so that none waits behind a larger one, and of each tenant no more than
 * may log in now (F29). Of a tenant that is held, one each time its hold's next look has come.
 * Each taken entry stays in the index with a later time: a producer that dies loses nothing (F05).
 */
export const takeScript = `${nowMs}${readRate}
local budget, cap, later = tonumber(ARGV[1]), tonumber(ARGV[2]), now + tonumber(ARGV[3])
local isFresh, perHost, canaryUntil = ARGV[5] == 'fresh', tonumber(ARGV[6]), now + tonumber(ARGV[7])
local tenants = #KEYS / 5
local taken, all, hosts, of = {}, 0, {}, {}
-- Changes nothing, and a full Redis refuses it: then nothing is taken, because nothing could be added to the queues either.
redis.call('ZADD', KEYS[1], 'XX', 0, '')
for i = 1, tenants do
  local k, a = 5 * (i - 1), 7 + 3 * (i - 1)
  redis.call('ZREMRANGEBYSCORE', KEYS[k + 2], '-inf', now)
  redis.call('ZREMRANGEBYSCORE', KEYS[k + 3], '-inf', now)
  local inFlight, host = redis.call('ZCARD', KEYS[k + 2]), ARGV[a + 1]
  hosts[host] = (hosts[host] or perHost) - inFlight - redis.call('ZCARD', KEYS[k + 3])
  all = all + inFlight
  of[i] = { due = KEYS[k + 1], inFlight = KEYS[k + 2], host = host, room = cap - inFlight, count = 0, rateKey = KEYS[k + 5], most = tonumber(ARGV[a + 3]) }
  local one = of[i]
  one.rate, one.tokens, one.grewAt, one.calmUntil = readRate(one.rateKey, tonumber(ARGV[a + 2]), one.most)
  one.owed = tonumber(redis.call('HGET', one.rateKey, 'owed')) or 0
  -- The last one is for new mail, so that history does not live on what is dealt between two rounds; but for what it is owed.
  one.allowed = isFresh and math.floor(one.tokens) or math.max(math.floor(one.tokens) - 1, math.floor(one.owed))
  one.hold = KEYS[k + 4]
  one.held = redis.call('HMGET', one.hold, 'id', 'nextAt', 'canaryUntil', 'mailbox')
end
if tonumber(ARGV[4]) >= 0 then budget = math.min(budget, tonumber(ARGV[4]) - all) end
local function take(one, ids)
  for _, id in ipairs(ids) do
    redis.call('ZADD', one.due, later, id)
    redis.call('ZADD', one.inFlight, later, id)
    taken[#taken + 1] = id
  end
  one.count = one.count + #ids
  one.room = one.room - #ids
  hosts[one.host] = hosts[one.host] - #ids
  budget = budget - #ids
end
for i = 1, tenants do
  local one = of[i]
  if one.held[1] then
    local isTime = tonumber(one.held[2]) <= now and (tonumber(one.held[3]) or 0) <= now
    if isFresh and isTime and budget > 0 and one.room > 0 and hosts[one.host] > 0 then
      -- Whichever would be next, due or not: it is the tenant that is looked at. By another one than the last, which may be to blame itself.
      local ids = redis.call('ZRANGE', one.due, 0, 1)
      if #ids == 2 then ids = { ids[1] == one.held[4] and ids[2] or ids[1] } end
      if ids[1] then redis.call('HSET', one.hold, 'canary', ids[1], 'canaryUntil', canaryUntil) end
      take(one, ids)
    end
    one.room = 0
  else
    one.room = math.min(one.room, one.allowed)
  end
end
local open = true
while budget > 0 and open do
  open = false
  local share = math.max(1, math.floor(budget / tenants))
  for i = 1, tenants do
    local one = of[i]
    local n = math.min(share, one.room, budget, hosts[one.host])
    if n > 0 then
      local ids = redis.call('ZRANGEBYSCORE', one.due, '-inf', now, 'LIMIT', 0, n)
      take(one, ids)
      if #ids == n then open = true else one.room = 0 end
    end
  end
end
for i = 1, tenants do
  local one = of[i]
  if one.count > 0 then
    -- The rate was what held it back, and no login was refused for a while.
    local isLong = one.grewAt and now - one.grewAt >= ${limits.loginsStepMs} and now >= one.calmUntil
    if isLong and one.count >= one.allowed then one.rate = math.min(one.most, one.rate * ${limits.loginsGrowth}) end
    if isLong or not one.grewAt then redis.call('HSET', one.rateKey, 'grewAt', now) end
    one.owed = isFresh and math.min(2, one.owed + one.count * ${limits.loginsHistoryShare}) or math.max(0, one.owed - one.count)
    redis.call('HSET', one.rateKey, 'rate', one.rate, 'tokens', one.tokens - one.count, 'at', now, 'owed', one.owed)
  end
end
return taken`;

/**
 * KEYS pace, login rate ; ARGV gap ms. Answers how long to wait for the login of push that was booked. It counts with the logins of
 * polls, and takes half of them at most, so that neither starves the other.
 */
export const paceScript = `${nowMs}${readRate}
local gap = tonumber(ARGV[1])
if redis.call('EXISTS', KEYS[2]) == 1 then
  local rate, tokens = readRate(KEYS[2], ${limits.loginsAtFirst}, 1e9)
  gap = math.max(gap, 2000 / rate)
  redis.call('HSET', KEYS[2], 'tokens', math.max(tokens - 1, -rate), 'at', now)
end
local at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0') or 0)
local nextAt = at + gap
redis.call('SET', KEYS[1], string.format('%.0f', nextAt), 'PX', string.format('%.0f', nextAt - now + 1000))
return at - now`;
