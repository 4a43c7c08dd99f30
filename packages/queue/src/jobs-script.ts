/**
 * Lua that adds jobs as BullMQ's own script for it does (addStandardJob, 6.7.0), as far as events need it: no delay, priority, parent or
 * de-duplication. Inside our scripts, because jobs and checkpoint are written in one step. A batch of them costs Redis three quarters of what
 * BullMQ's text costs it for each: what is the same for all of them is asked and written once. BullMQ is pinned exactly, and
 * `add-jobs.redis.test.ts` compares all that `queue.add` leaves in Redis.
 *
 * `addJobs(keys, prefix, options, timestamp, places)`: BullMQ's nine keys, the queue's key prefix, packed job options, epoch ms, and where in
 * ARGV the id of each job stands, which its name and its data follow. A job whose id is there stays as it is.
 * `eventsFrom(first)`: the places of those that fill ARGV from there on.
 */
export const addJobsFunction = `
local function eventsFrom(first)
  local places = {}
  for i = first, #ARGV, 3 do places[#places + 1] = i end
  return places
end
local function addJobs(keys, prefix, options, timestamp, places)
  if #places == 0 then return end
  local call = redis.call
  local wait, meta, counter, active, events, marker = keys[1], keys[3], keys[4], keys[7], keys[8], keys[9]
  call('INCRBY', counter, #places)
  local mostEvents = call('HGET', meta, 'opts.maxLenEvents')
  if not mostEvents then
    mostEvents = 10000
    call('HSET', meta, 'opts.maxLenEvents', mostEvents)
  end
  local opts = cjson.encode(cmsgpack.unpack(options))
  local added = {}
  for _, at in ipairs(places) do
    local id, name = ARGV[at], ARGV[at + 1]
    local job = prefix .. id
    if call('EXISTS', job) == 1 then
      call('XADD', events, 'MAXLEN', '~', mostEvents, '*', 'event', 'duplicated', 'jobId', id)
    else
      call('HMSET', job, 'name', name, 'data', ARGV[at + 2], 'opts', opts, 'timestamp', timestamp, 'delay', '0', 'priority', '0')
      call('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', name)
      call('XADD', events, 'MAXLEN', '~', mostEvents, '*', 'event', 'waiting', 'jobId', id)
      added[#added + 1] = id
    end
  end
  if #added == 0 then return end
  -- Lua hands over so many arguments at once and no more.
  for i = 1, #added, 1000 do call('LPUSH', wait, unpack(added, i, math.min(i + 999, #added))) end
  local limits = call('HMGET', meta, 'paused', 'concurrency')
  local isHeld = limits[1] or (limits[2] and call('LLEN', active) >= tonumber(limits[2]))
  if not isHeld then call('ZADD', marker, 0, '0') end
end
`;
