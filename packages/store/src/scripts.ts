import { limits } from "@mailfleet/core";

/**
 * The Lua scripts of the store. Constants, all values by KEYS and ARGV (T16); all keys of one call carry one hash tag.
 * Times are Redis' own, in ms, so that a worker with a wrong clock cannot overlap another (F25).
 */
export const nowMs = `local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

/** What a session needs to know of a mailbox beside its checkpoints, in the order of the answer. */
export const mailboxFacts = ["cause", "opened", "inHand", "suspects", "pace", "protocol", "listing", "nextAt", "rhythm"] as const;

/**
 * Whoever makes a mailbox due earlier than it was lets the producers know when its tenant has something due. Later is found out by
 * looking. One that did not say so is found within \`limits.dueSurveyMs\`.
 */
export const tellDue = `
local function tellDue(tenantsDue, at, id) redis.call('ZADD', tenantsDue, 'LT', at, string.match(id, '^[^/]+')) end`;

/**
 * KEYS lease, fence, mailbox, due(lane), inflight(lane), hold, tenants due(lane), checkpoints, push held
 * ARGV mailbox id, random part, lease ms, lane, retry ms, worker name
 * Answers the fencing token, the tenant's hold as fields and values when this is its canary, the `mailboxFacts`, the checkpoints as
 * fields and values, and whether it is pushed; nothing when the mailbox is taken or its tenant held.
 */
export const acquireScript = `${nowMs}${tellDue}
-- Gone, or parked by an operator (F35).
if redis.call('HEXISTS', KEYS[3], 'tenant') == 0 or redis.call('HEXISTS', KEYS[3], 'parkedBy') == 1 then
  redis.call('ZREM', KEYS[4], ARGV[1])
  redis.call('ZREM', KEYS[5], ARGV[1])
  return nil
end
local holder = redis.call('GET', KEYS[1])
local hold = redis.call('HMGET', KEYS[6], 'id', 'canary', 'canaryUntil', 'canaryLease')
local function answer(token)
  return { token, hold[1] and redis.call('HGETALL', KEYS[6]) or {}, redis.call('HMGET', KEYS[3], ${mailboxFacts.map((name) => `'${name}'`).join(", ")}),
    redis.call('HGETALL', KEYS[8]), redis.call('HEXISTS', KEYS[9], ARGV[1]) }
end
-- Sent again because the answer was lost: the lease is already ours (F04).
if holder and string.sub(holder, -#ARGV[2] - 1) == ':' .. ARGV[2] then return answer(holder) end
local isCanary = hold[1] and ARGV[4] == 'fresh' and hold[2] == ARGV[1] and tonumber(hold[3]) > now
if hold[1] and not isCanary then
  redis.call('ZADD', KEYS[4], 'XX', now, ARGV[1])
  tellDue(KEYS[7], now, ARGV[1])
  redis.call('ZREM', KEYS[5], ARGV[1])
  return nil
end
if holder then
  local wait = tonumber(ARGV[5])
  if ARGV[4] == 'fresh' then
    redis.call('HSET', KEYS[3], 'poke', '1')
    -- The session looks at its next border, and says at its end when to look again; only where it dies is there anything to ask.
    wait = math.max(wait, redis.call('PTTL', KEYS[1]))
  end
  redis.call('ZADD', KEYS[4], now + wait, ARGV[1])
  tellDue(KEYS[7], now + wait, ARGV[1])
  redis.call('ZREM', KEYS[5], ARGV[1])
  if isCanary then redis.call('HSET', KEYS[6], 'canary', '', 'canaryUntil', '0', 'nextAt', now + tonumber(ARGV[5])) end
  return nil
end
-- Before the first write: what cannot be read leaves no lease behind.
local all = answer('')
local token = redis.call('INCR', KEYS[2]) .. ':' .. ARGV[2]
redis.call('SET', KEYS[1], token, 'PX', ARGV[3])
local untilMs = now + tonumber(ARGV[3])
redis.call('HSET', KEYS[3], 'workingUntil', untilMs, 'worker', ARGV[6])
redis.call('HDEL', KEYS[3], 'poke')
redis.call('ZADD', KEYS[4], untilMs, ARGV[1])
redis.call('ZADD', KEYS[5], untilMs, ARGV[1])
if isCanary then redis.call('HSET', KEYS[6], 'canaryUntil', untilMs, 'canaryLease', token) end
all[1] = token
return all`;

/**
 * KEYS lease, mailbox, due(lane), inflight(lane), hold
 * ARGV mailbox id, token, lease ms
 * Answers 1, or 0 when the lease is somebody else's or over.
 */
export const renewScript = `${nowMs}
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
local untilMs = now + tonumber(ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('HSET', KEYS[2], 'workingUntil', untilMs)
redis.call('ZADD', KEYS[3], untilMs, ARGV[1])
redis.call('ZADD', KEYS[4], untilMs, ARGV[1])
if redis.call('HGET', KEYS[5], 'canaryLease') == ARGV[2] then redis.call('HSET', KEYS[5], 'canaryUntil', untilMs) end
return 1`;

/**
 * KEYS lease, mailbox
 * ARGV token, what is in hand or '', suspects or ''
 * Answers 1, or 0 when the lease is somebody else's or over.
 */
export const noteInHandScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('HDEL', KEYS[2], 'inHand') else redis.call('HSET', KEYS[2], 'inHand', ARGV[2]) end
if ARGV[3] == '' then redis.call('HDEL', KEYS[2], 'suspects') else redis.call('HSET', KEYS[2], 'suspects', ARGV[3]) end
return 1`;

/**
 * KEYS mailboxes, tenants, mailbox, due(fresh), checkpoints, tenant ledger, fleet ledger, tenants due(fresh)
 * ARGV mailbox id, tenant, address, protocol, when to begin in ms from now
 * Answers 'added', 'changed' or 'same'. One that was removed and comes back finds its checkpoints, and the sums get back what it counts.
 */
export const registerScript = `${nowMs}${tellDue}
local known = redis.call('HMGET', KEYS[3], 'tenant', 'protocol', 'parkedBy')
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('SADD', KEYS[2], ARGV[2])
if known[1] then
  if not known[3] and redis.call('ZADD', KEYS[4], 'NX', now, ARGV[1]) == 1 then tellDue(KEYS[8], now, ARGV[1]) end
  if known[2] == ARGV[4] then return 'same' end
  redis.call('HSET', KEYS[3], 'protocol', ARGV[4])
  return 'changed'
end
redis.call('HSET', KEYS[3], 'tenant', ARGV[2], 'address', ARGV[3], 'protocol', ARGV[4], 'addedAt', now)
redis.call('ZADD', KEYS[4], 'NX', now + tonumber(ARGV[5]), ARGV[1])
tellDue(KEYS[8], now + tonumber(ARGV[5]), ARGV[1])
if redis.call('PERSIST', KEYS[5]) == 1 then
  for _, stored in ipairs(redis.call('HVALS', KEYS[5])) do
    local sums = { string.match(stored, '^%d+\\n[^\\n]*\\n(%d+) (%d+) (%d+) (%d+) (%d+)\\n') }
    for i, name in ipairs({ 'l', 'h', 'e', 'q', 't' }) do
      local sum = tonumber(sums[i] or '0')
      if sum > 0 then
        redis.call('HINCRBY', KEYS[3], name, sum)
        redis.call('HINCRBY', KEYS[6], name, sum)
        redis.call('HINCRBY', KEYS[7], name, sum)
      end
    end
  end
end
return 'added'`;

/** KEYS due(lane), inflight(lane), tenants due(lane); ARGV mailbox id. Makes a mailbox that was taken due now, unless it is no longer in the index. */
export const giveBackScript = `${nowMs}${tellDue}
redis.call('ZADD', KEYS[1], 'XX', now, ARGV[1])
tellDue(KEYS[3], now, ARGV[1])
return redis.call('ZREM', KEYS[2], ARGV[1])`;

/**
 * KEYS lease, mailbox, due(lane), inflight(lane), hold, tenants due(lane)
 * ARGV mailbox id, token
 * Ends a lease that its holder gave up without settling; the mailbox is due at once.
 */
export const abandonScript = `${nowMs}${tellDue}
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[2], 'workingUntil', 'worker')
redis.call('ZADD', KEYS[3], 'XX', now, ARGV[1])
tellDue(KEYS[6], now, ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
return 1`;

/** KEYS key; ARGV owner. Deletes the key only while it is the owner's. */
export const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/**
 * KEYS due(fresh), tenants due(fresh) ; ARGV ids..., all of one tenant
 * Makes mailboxes due at once, before polls; only earlier, never later, and none that is removed or parked.
 */
export const pokeScript = `${nowMs}${tellDue}
for _, id in ipairs(ARGV) do redis.call('ZADD', KEYS[1], 'XX', 'LT', now - ${limits.pokeAheadMs}, id) end
if ARGV[1] then tellDue(KEYS[2], now, ARGV[1]) end
return #ARGV`;
