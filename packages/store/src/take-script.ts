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
 * KEYS tenants due, tenants in line, turn, tenants in flight, those of the other lane
 * ARGV how many places of the line are left out, how many are wanted
 * Tenants of which something is due by now join the line at its end. Answers how many did, how long the line is, how many names and
 * places of it follow, those, and then the tenants of which anything is in flight.
 */
export const lineScript = `${nowMs}
local joining = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ${limits.tenantsJoining})
for _, tenant in ipairs(joining) do
  if not redis.call('ZSCORE', KEYS[2], tenant) then redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[3]), tenant) end
  redis.call('ZREM', KEYS[1], tenant)
end
local first = tonumber(ARGV[1])
local line = redis.call('ZRANGE', KEYS[2], first, first + tonumber(ARGV[2]) - 1, 'WITHSCORES')
local answer = { #joining, redis.call('ZCARD', KEYS[2]), #line }
for _, word in ipairs(line) do answer[#answer + 1] = word end
for _, tenant in ipairs(redis.call('SUNION', KEYS[4], KEYS[5])) do answer[#answer + 1] = tenant end
return answer`;

/**
 * KEYS tenants due, tenants in line, turn, tenants in flight, those of the other lane, then due, inflight, inflight of the other lane,
 *      hold, login rate: five of each tenant
 * ARGV how many in all, cap in flight per tenant, taken ms, cap in flight over all tenants or -1, lane, cap per host, canary ms,
 *      how many of the tenants stand in line, 1 when those are the whole line,
 *      then of each tenant: name, place in line, number of its host, logins per second at first, and at most
 * The tenants in line come first, in its order; the others are there to be counted. Each turn of a tenant is the mailbox of it that is due
 * for the longest; then it goes to the end of the line. One that has nothing due, or may not log in now (F29),
 * leaves it until that may have changed; one that has as much in flight as it or its host may keeps its place. Of a tenant that is held, one mailbox each time its
 * hold's next look has come. Each taken entry stays in the index with a later time: a producer that dies loses nothing (F05).
 * Answers 'again' where a tenant is in flight that is not among these, else {how many more may be taken, how many kept their place, how
 * many had lost it to another producer's turn, the numbers of the hosts without room as one text, then of each mailbox its id and 1 where
 * it goes before polls: somebody saw mail come, or it is late by as much as such a one may be before it.
 */
export const takeScript = `${nowMs}${readRate}
local budget, cap, later, inAll = tonumber(ARGV[1]), tonumber(ARGV[2]), now + tonumber(ARGV[3]), tonumber(ARGV[4])
local isFresh, perHost, canaryUntil = ARGV[5] == 'fresh', tonumber(ARGV[6]), now + tonumber(ARGV[7])
local inLine, isWhole = tonumber(ARGV[8]), ARGV[9] == '1'
-- Changes nothing, and a full Redis refuses it: then nothing is taken, because nothing could be added to the queues either.
redis.call('ZADD', KEYS[1], 'XX', 0, '')
local of, known = {}, {}
for i = 1, (#KEYS - 5) / 5 do
  local k, a = 5 * i, 5 * i + 4
  of[i] = { name = ARGV[a + 1], place = ARGV[a + 2], host = ARGV[a + 3], atFirst = tonumber(ARGV[a + 4]), most = tonumber(ARGV[a + 5]), count = 0,
    due = KEYS[k + 1], inFlight = KEYS[k + 2], other = KEYS[k + 3], hold = KEYS[k + 4], rateKey = KEYS[k + 5] }
  known[of[i].name] = true
end
for _, name in ipairs(redis.call('SUNION', KEYS[4], KEYS[5])) do
  if not known[name] then return 'again' end
end
-- History leaves some of each host to new mail.
if not isFresh then perHost = math.max(1, math.floor(perHost * ${limits.historyHostShare})) end
local all, hosts = 0, {}
for _, one in ipairs(of) do
  redis.call('ZREMRANGEBYSCORE', one.inFlight, '-inf', now)
  redis.call('ZREMRANGEBYSCORE', one.other, '-inf', now)
  local mine, others = redis.call('ZCARD', one.inFlight), redis.call('ZCARD', one.other)
  if mine == 0 then redis.call('SREM', KEYS[4], one.name) end
  if others == 0 then redis.call('SREM', KEYS[5], one.name) end
  hosts[one.host] = (hosts[one.host] or perHost) - mine - others
  all = all + mine
  one.room = cap - mine
end
if inAll >= 0 then budget = math.min(budget, inAll - all) end
local taken, kept = {}, 0
local function take(one, id, at)
  redis.call('ZADD', one.due, later, id)
  redis.call('ZADD', one.inFlight, later, id)
  redis.call('SADD', KEYS[4], one.name)
  taken[#taken + 1] = id
  taken[#taken + 1] = at and tonumber(at) <= now - ${limits.pokeAheadMs} and 1 or 0
  one.count, one.room = one.count + 1, one.room - 1
  hosts[one.host] = hosts[one.host] - 1
  budget = budget - 1
end
local function leave(one, untilMs)
  redis.call('ZREM', KEYS[2], one.name)
  if untilMs then redis.call('ZADD', KEYS[1], untilMs, one.name) end
end
local function look(one)
  one.held = redis.call('HMGET', one.hold, 'id', 'nextAt', 'canaryUntil', 'mailbox')
  one.rate, one.tokens, one.grewAt, one.calmUntil = readRate(one.rateKey, one.atFirst, one.most)
  one.owed = tonumber(redis.call('HGET', one.rateKey, 'owed')) or 0
  -- The last one is for new mail, so that history does not live on what is dealt between two rounds; but for what it is owed.
  one.allowed = isFresh and math.floor(one.tokens) or math.max(math.floor(one.tokens) - 1, math.floor(one.owed))
end
local function lookAtHeld(one)
  local nextAt = math.max(tonumber(one.held[2]) or 0, tonumber(one.held[3]) or 0)
  if isFresh and nextAt <= now and one.room > 0 and hosts[one.host] > 0 then
    -- Whichever would be next, due or not: it is the tenant that is looked at. By another one than the last, which may be to blame itself.
    local ids = redis.call('ZRANGE', one.due, 0, 1)
    local id = #ids == 2 and ids[1] == one.held[4] and ids[2] or ids[1]
    if id then
      redis.call('HSET', one.hold, 'canary', id, 'canaryUntil', canaryUntil)
      take(one, id)
    end
  end
  -- It may go on before that.
  leave(one, now + math.min(math.max(nextAt - now, ${limits.blockedLeastMs}), ${limits.blockedMostMs}))
end
-- Answers whether the tenant stands at the end of the line now.
local function turn(one)
  if not one.allowed then look(one) end
  if one.held[1] then return lookAtHeld(one) end
  if one.count >= one.allowed then
    local waitMs = 1000 * ((isFresh and 1 or 2) - (one.tokens - one.count)) / one.rate
    return leave(one, now + math.floor(math.min(math.max(waitMs, ${limits.blockedLeastMs}), ${limits.blockedMostMs})))
  end
  local first = redis.call('ZRANGEBYSCORE', one.due, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1)
  local id = first[1]
  if not id then return leave(one, redis.call('ZRANGE', one.due, 0, 0, 'WITHSCORES')[2]) end
  take(one, id, first[2])
  redis.call('ZADD', KEYS[2], redis.call('INCR', KEYS[3]), one.name)
  return true
end
local queue, head, moved = {}, 1, 0
for i = 1, inLine do
  -- Else another producer gave it its turn in between.
  if redis.call('ZSCORE', KEYS[2], of[i].name) == of[i].place then queue[#queue + 1] = of[i] else moved = moved + 1 end
end
while budget > 0 and head <= #queue do
  local one = queue[head]
  head = head + 1
  if hosts[one.host] <= 0 or one.room <= 0 then
    if one.count == 0 then kept = kept + 1 end
  elseif turn(one) and isWhole then
    queue[#queue + 1] = one
  end
end
for i = 1, inLine do
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
local full = {}
for host, room in pairs(hosts) do
  if room <= 0 then full[#full + 1] = host end
end
local answer = { budget, kept, moved, table.concat(full, ' ') }
for _, word in ipairs(taken) do answer[#answer + 1] = word end
return answer`;

/**
 * KEYS tenants due, tenants in flight fresh, tenants in flight backfill, then due, inflight fresh, inflight backfill, hold of each tenant
 * ARGV tenants... ; of one lane. What the index of tenants should say and does not, after a writer that did not tell it.
 */
export const dueSurveyScript = `${nowMs}
for i, tenant in ipairs(ARGV) do
  local k = 4 * i
  local first = redis.call('ZRANGE', KEYS[k], 0, 0, 'WITHSCORES')[2]
  if first and redis.call('EXISTS', KEYS[k + 3]) == 1 then first = now end
  if first then redis.call('ZADD', KEYS[1], 'LT', first, tenant) end
  if redis.call('ZCARD', KEYS[k + 1]) > 0 then redis.call('SADD', KEYS[2], tenant) end
  if redis.call('ZCARD', KEYS[k + 2]) > 0 then redis.call('SADD', KEYS[3], tenant) end
end
return #ARGV`;

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
