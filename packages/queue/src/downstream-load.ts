import {
  type Clock,
  decideIntake,
  type DownstreamLoad,
  type DownstreamMarks,
  type Intake,
  queueNames,
  type RedisKeys,
} from "@mailfleet/core";

/** A client of Redis, as far as it is needed. */
export interface LoadClient {
  eval(script: string, keyCount: number, ...args: (string | number)[]): Promise<unknown>;
  info(section: string): Promise<string>;
}

/** Jobs looked at in each of the queue's lists for their size: the mean of so many is near enough for a mark. */
const samples = 8;

/**
 * KEYS wait, active, delayed, failed of the messages queue
 * ARGV prefix of its job keys, samples
 * Answers counts, estimated bytes, and the timestamp of the event that waits longest or ''.
 */
const loadScript = `
local function sizeOf(ids)
  local sum, n = 0, 0
  for _, id in ipairs(ids) do
    local size = redis.call('HSTRLEN', ARGV[1] .. id, 'data')
    if size > 0 then sum = sum + size n = n + 1 end
  end
  return n > 0 and sum / n or 0
end
local function spread(count, read)
  local ids, wanted = {}, math.min(count, tonumber(ARGV[2]))
  for i = 0, wanted - 1 do
    local id = read(math.floor(i * count / wanted))
    if id then ids[#ids + 1] = id end
  end
  return ids
end
local counts, bytes = {}, 0
for i = 1, 4 do
  local isList = i <= 2
  local count = redis.call(isList and 'LLEN' or 'ZCARD', KEYS[i])
  counts[i] = count
  bytes = bytes + count * sizeOf(spread(count, function(at)
    if isList then return redis.call('LINDEX', KEYS[i], at) end
    return redis.call('ZRANGE', KEYS[i], at, at)[1]
  end))
end
local oldest = redis.call('LINDEX', KEYS[1], -1)
local since = oldest and redis.call('HGET', ARGV[1] .. oldest, 'timestamp') or ''
return { counts[1], counts[2], counts[3], counts[4], math.floor(bytes), since }`;

/** What waits downstream, in two short commands. @param problems why Redis may not be used, from its inspection */
export async function readDownstream(redis: LoadClient, keys: RedisKeys, problems: readonly string[] = []): Promise<DownstreamLoad> {
  const prefix = `${keys.bullPrefix}:${queueNames.messages}:`;
  const names = ["wait", "active", "delayed", "failed"].map((name) => prefix + name);
  const [answer, memory] = await Promise.all([redis.eval(loadScript, names.length, ...names, prefix, samples), redis.info("memory")]);
  const [waiting, active, delayed, failed, bytes, since] = answer as [number, number, number, number, number, string];
  return {
    waiting,
    active,
    delayed,
    failed,
    bytes,
    ...(since !== "" && { oldestAt: Number(since) }),
    memoryShare: shareOf(memory),
    problems,
  };
}

function shareOf(info: string): number {
  const number = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
  const most = number("maxmemory");
  return most > 0 ? number("used_memory") / most : 0;
}

export interface IntakeWatchOptions {
  readonly redis: LoadClient;
  readonly keys: RedisKeys;
  readonly clock: Clock;
  readonly marks: DownstreamMarks;
}

export interface Watched {
  readonly intake: Intake;
  readonly load: DownstreamLoad;
}

/** How much may come in, asked as often as it matters. */
export interface IntakeWatch {
  look(): Promise<Watched>;
  /** What the latest inspection of Redis found. */
  noteProblems(problems: readonly string[]): void;
}

/** Far from the mark an answer is believed so long, ms. Near it everybody who asks counts anew, once for all who ask at the same time. */
const calmMemoryMs = 250;
const calmFill = 0.6;

export function createIntakeWatch(options: IntakeWatchOptions): IntakeWatch {
  const { redis, keys, clock, marks } = options;
  let problems: readonly string[] = [];
  let believed: { readonly watched: Watched; readonly until: number } | undefined;
  let asking: Promise<Watched> | undefined;
  const ask = async (): Promise<Watched> => {
    const load = await readDownstream(redis, keys, problems);
    const intake = decideIntake(load, marks);
    if (intake.fill < calmFill) believed = { watched: { intake, load }, until: clock.monotonic() + calmMemoryMs };
    return { intake, load };
  };
  return {
    look() {
      if (believed && clock.monotonic() < believed.until) return Promise.resolve(believed.watched);
      asking ??= ask().finally(() => (asking = undefined));
      return asking;
    },
    noteProblems(found) {
      if (found.join() !== problems.join()) believed = undefined;
      problems = found;
    },
  };
}
