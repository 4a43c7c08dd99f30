import { limits } from "@mailfleet/core";
import { nowMs } from "./scripts.ts";

/**
 * The Lua of breakers. A hold is one hash: id, code, scope, text, state, since, tries, nextAt; by: the lease whose order it followed
 * last; mailbox: that one's; tried: credentials that failed; asked, askedAt: the new one that was looked at last; canary, canaryUntil, canaryLease: the one mailbox that is looked at. Signals are advice: a
 * user without the right to publish them still holds and releases.
 */
const signal = `
local function tell(channel, kind, tenant, untilMs, code)
  redis.pcall('PUBLISH', channel, cjson.encode({ kind = kind, tenant = tenant, untilMs = untilMs, code = code }))
end`;

/** A tenant that goes on begins with an empty bucket: its mailboxes come back one after the other, the longest waiting first. */
const release = `${signal}
local function release(holdKey, untoldKey, rateKey, tenantsDue, tenant, channel)
  local code = redis.call('HGET', holdKey, 'code')
  redis.call('DEL', holdKey, untoldKey)
  if redis.call('EXISTS', rateKey) == 1 then redis.call('HSET', rateKey, 'tokens', '0', 'at', now) end
  for _, key in ipairs(tenantsDue) do redis.call('ZADD', key, 'LT', now, tenant) end
  tell(channel, 'release', tenant, now, code)
end`;

/**
 * KEYS opened, refused login, refused access, refused reach, tenants opened, tenants down, hold, untold, login rate, tenants due of both
 *      lanes
 * ARGV tenant, how many opened since the last report, lease token, channel
 * Counts, and ends the hold whose canary opened.
 */
export const openedScript = `${nowMs}${release}
local minute = math.floor(now / 60000)
local known = redis.call('HMGET', KEYS[1], 'minute', 'count')
local last, count = tonumber(known[1]) or 0, tonumber(known[2]) or 0
if last ~= minute then
  redis.call('HSET', KEYS[1], 'before', last == minute - 1 and count or 0)
  count = 0
end
redis.call('HSET', KEYS[1], 'minute', minute, 'count', count + tonumber(ARGV[2]), 'at', now)
redis.call('HDEL', KEYS[1], 'since')
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
redis.call('ZADD', KEYS[5], now, ARGV[1])
redis.call('ZREM', KEYS[6], ARGV[1])
if redis.call('HGET', KEYS[7], 'canaryLease') == ARGV[3] then release(KEYS[7], KEYS[8], KEYS[9], { KEYS[10], KEYS[11] }, ARGV[1], ARGV[4]) end
return 1`;

/** KEYS hold, untold, login rate, tenants due of both lanes ; ARGV tenant, lease token, channel. Ends the hold whose canary the lease is. */
export const releaseScript = `${nowMs}${release}
if redis.call('HGET', KEYS[1], 'canaryLease') ~= ARGV[2] then return 0 end
release(KEYS[1], KEYS[2], KEYS[3], { KEYS[4], KEYS[5] }, ARGV[1], ARGV[3])
return 1`;

/**
 * KEYS opened, refused login, refused access, refused reach, refused throttle, tenants opened, tenants down, due(fresh), login rate
 * ARGV mailbox id, tenant, 1 to 4 for the kind in this order, 1 when it slows logins
 * Counts the refusal. Answers mailboxes, refused of each kind, refused for ms, opened lately, opened ago ms or -1, then of the other
 * tenants how many are active, down together with this one, and open.
 */
export const refusedScript = `${nowMs}
local kind = tonumber(ARGV[3])
local refused = KEYS[1 + kind]
redis.call('ZADD', refused, now, ARGV[1])
redis.call('ZREMRANGEBYRANK', refused, 0, -${limits.refusedKept + 1})
redis.call('PEXPIRE', refused, ${limits.tenantActiveMs})
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - ${limits.throttleWindowMs})
if kind < 4 then redis.call('HSETNX', KEYS[1], 'since', now) end
local counts = {}
for i = 1, 4 do counts[i] = redis.call('ZCARD', KEYS[1 + i]) end
local mailboxes = redis.call('ZCARD', KEYS[8])
local known = redis.call('HMGET', KEYS[1], 'since', 'at', 'minute', 'count', 'before')
local since = tonumber(known[1]) or now
local enough = math.max(1, math.min(mailboxes, ${limits.tenantDownMailboxes}))
redis.call('ZREMRANGEBYSCORE', KEYS[7], '-inf', now - ${limits.tenantActiveMs})
if counts[1] + counts[2] >= enough or counts[3] >= enough then redis.call('ZADD', KEYS[7], 'NX', since, ARGV[2]) end
local minute, lately = math.floor(now / 60000), 0
if tonumber(known[3]) == minute then lately = tonumber(known[4]) + (tonumber(known[5]) or 0)
elseif tonumber(known[3]) == minute - 1 then lately = tonumber(known[4]) end
local mine = redis.call('ZSCORE', KEYS[6], ARGV[2])
local active = redis.call('ZCOUNT', KEYS[6], now - ${limits.tenantActiveMs}, '+inf')
if mine and tonumber(mine) >= now - ${limits.tenantActiveMs} then active = active - 1 end
local open = redis.call('ZCOUNT', KEYS[6], '(' .. since, '+inf')
if mine and tonumber(mine) > since then open = open - 1 end
local down = 0
local others = redis.call('ZRANGEBYSCORE', KEYS[7], since - ${limits.incidentTogetherMs}, since + ${limits.incidentTogetherMs}, 'WITHSCORES')
for i = 1, #others, 2 do
  local at = others[i] ~= ARGV[2] and redis.call('ZSCORE', KEYS[6], others[i])
  if at and tonumber(at) >= tonumber(others[i + 1]) - ${limits.tenantActiveMs} then down = down + 1 end
end
if ARGV[4] == '1' then
  local rate = redis.call('HMGET', KEYS[9], 'rate', 'slowedAt')
  if now - (tonumber(rate[2]) or 0) >= ${limits.loginsStepMs} then
    local slower = math.max(${limits.loginsAtLeast}, (tonumber(rate[1]) or ${limits.loginsAtFirst}) / 2)
    redis.call('HSET', KEYS[9], 'rate', slower, 'slowedAt', now, 'calmUntil', now + ${limits.loginsCalmMs})
  end
end
return { mailboxes, counts[1], counts[2], counts[3], counts[4], known[1] and now - since or 0, lately,
  known[2] and now - tonumber(known[2]) or -1, active, down, open }`;

/**
 * KEYS tenants opened, tenants down ; ARGV ms since a tenant of another shard is refused
 * Answers as the end of the above, for tenants that are all others.
 */
export const othersScript = `${nowMs}
local since = now - tonumber(ARGV[1])
local down = 0
local others = redis.call('ZRANGEBYSCORE', KEYS[2], since - ${limits.incidentTogetherMs}, since + ${limits.incidentTogetherMs}, 'WITHSCORES')
for i = 1, #others, 2 do
  local at = redis.call('ZSCORE', KEYS[1], others[i])
  if at and tonumber(at) >= tonumber(others[i + 1]) - ${limits.tenantActiveMs} then down = down + 1 end
end
return { redis.call('ZCOUNT', KEYS[1], now - ${limits.tenantActiveMs}, '+inf'), down, redis.call('ZCOUNT', KEYS[1], '(' .. since, '+inf') }`;

/**
 * KEYS hold, untold, lease, due(fresh), fence, tenants due(fresh)
 * ARGV lease token, tenant, code, scope, text, state, tries, next look in ms, 1 for the same cause as before, credential or '', channel,
 *      mailbox id
 * Begins a hold, moves that of the canary, or lets a stronger one take its place. Answers 1, or 0 when the lease is lost.
 */
export const holdScript = `${nowMs}${signal}
local hold = redis.call('HMGET', KEYS[1], 'id', 'state', 'code', 'nextAt', 'since', 'by', 'tried', 'canaryLease')
-- Sent again because the answer was lost (F04).
if hold[6] == ARGV[1] then return 1 end
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
local nextAt, tries, since = now + tonumber(ARGV[8]), ARGV[7], now
if hold[1] then
  if hold[8] == ARGV[1] then
    if ARGV[9] == '1' then since = hold[5] end
  elseif hold[2] == 'waiting' and ARGV[6] == 'parked' then
    tries = '1'
  else
    if hold[3] == ARGV[3] and hold[2] == 'waiting' and nextAt > tonumber(hold[4]) then
      redis.call('HSET', KEYS[1], 'nextAt', nextAt)
      tell(ARGV[11], 'hold', ARGV[2], nextAt, ARGV[3])
    end
    return 1
  end
end
local tried = hold[7] or ''
if ARGV[10] ~= '' and not string.find(tried, ARGV[10], 1, true) then tried = string.sub(ARGV[10] .. ' ' .. tried, 1, 1000) end
redis.call('HSET', KEYS[1], 'id', hold[1] or redis.call('INCR', KEYS[5]), 'code', ARGV[3], 'scope', ARGV[4], 'text', ARGV[5], 'state', ARGV[6],
  'since', since, 'tries', tries, 'nextAt', nextAt, 'by', ARGV[1], 'mailbox', ARGV[12], 'tried', tried, 'canary', '', 'canaryUntil', '0', 'canaryLease', '')
-- Its next look may come before anything of it is due.
redis.call('ZADD', KEYS[6], 'LT', nextAt, ARGV[2])
-- Whoever of them is not told when the tenant goes on, needs not be.
if ARGV[6] == 'parked' and hold[2] ~= 'parked' then redis.call('ZUNIONSTORE', KEYS[2], 1, KEYS[4], 'WEIGHTS', 0) end
tell(ARGV[11], 'hold', ARGV[2], nextAt, ARGV[3])
return 1`;

/** KEYS hold ; ARGV ms. One tenant came back from an incident: another one is looked at soon. */
export const hurryScript = `${nowMs}
local hold = redis.call('HMGET', KEYS[1], 'code', 'nextAt')
if hold[1] ~= 'SERVICE_INCIDENT' or tonumber(hold[2]) <= now + tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'nextAt', now + tonumber(ARGV[1]))
return 1`;

/**
 * KEYS hold ; ARGV credential, ms. Makes the next look due for a credential that did not fail yet, and again after a while: the canary may
 * have come to a process whose files are older. That one failed is for the hold's order to say.
 */
export const tryCredentialScript = `${nowMs}
local hold = redis.call('HMGET', KEYS[1], 'id', 'state', 'tried', 'asked', 'askedAt')
if not hold[1] or hold[2] ~= 'parked' or not hold[3] or hold[3] == '' then return 0 end
if string.find(hold[3], ARGV[1], 1, true) then return 0 end
local age = now - (tonumber(hold[5]) or 0)
if hold[4] == ARGV[1] and age >= 0 and age < tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'asked', ARGV[1], 'askedAt', now, 'nextAt', now)
return 1`;
