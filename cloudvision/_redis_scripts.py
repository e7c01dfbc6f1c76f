"""The Lua scripts behind the Redis ledger: each runs as one transaction on the server. Here those of attempts.

KEYS[1] is the prefix of all keys of one ledger; it holds a hash tag, so that a cluster keeps them in one place. A
missing value is passed as the empty string. Under the prefix lie

    answer:KEY       hash: raw, cost, created, error_type, error, source, provider
    answers          sorted set of keys by `created`
    attempt:ID       hash of an attempt that is reserved or uncertain, or was released by hand; others are only counted
    open, open:KEY   sets of ids: all attempts that are reserved or uncertain, and those of one picture
    resolved         set of ids: those that were released by hand
    states:all, states:RUN     hash: number and micros of attempts by state
    totals           hash: what is spent, reserved or possibly spent, by scope: "all", "day:2026-11-21", "run:7"
    run:ID, runs, estimates:IDENTITY
    progress:RUN     hash of entries as JSON by position; positions:RUN is their order, tally:RUN their sums
    starts:BUCKET, pause:BUCKET
"""

from __future__ import annotations

_PRELUDE = """
local p = KEYS[1]
local function add(run, day, micros)
  redis.call('HINCRBY', p .. 'totals', 'all', micros)
  redis.call('HINCRBY', p .. 'totals', 'day:' .. day, micros)
  if run ~= '' then redis.call('HINCRBY', p .. 'totals', 'run:' .. run, micros) end
end
local function count(run, state, number, micros)
  for _, scope in ipairs(run == '' and {'all'} or {'all', run}) do
    redis.call('HINCRBY', p .. 'states:' .. scope, state .. ':number', number)
    redis.call('HINCRBY', p .. 'states:' .. scope, state .. ':micros', micros)
  end
end
-- Bring an attempt into another state with another cost. `by_hand` keeps a released one, in case its answer comes.
local function move(id, state, cost, by_hand)
  local name = p .. 'attempt:' .. id
  local was, worst, run, day, key = unpack(redis.call('HMGET', name, 'state', 'worst', 'run', 'day', 'key'))
  if not was or was == state or (was == 'released' and state ~= 'settled') then return 0 end
  worst = tonumber(worst)
  cost = cost == 'worst' and worst or tonumber(cost)
  local counted = was == 'released' and 0 or worst
  count(run, was, -1, 0 - counted)
  count(run, state, 1, cost)
  if cost ~= counted then add(run, day, cost - counted) end
  if state == 'uncertain' then
    redis.call('HSET', name, 'state', state)
    return 1
  end
  redis.call('SREM', p .. 'open', id)
  redis.call('SREM', p .. 'open:' .. key, id)
  redis.call('SREM', p .. 'resolved', id)
  if by_hand then
    redis.call('HSET', name, 'state', state)
    redis.call('SADD', p .. 'resolved', id)
  else
    redis.call('DEL', name)
  end
  return 1
end
-- Sums begin with 0, since Lua spells a product of 0 and -1 as "-0", which Redis takes for no integer.
local function tally(run, entry, sign)
  local name = entry.kind .. ':' .. (entry.cached and 1 or 0) .. ':' .. (entry.audited and 1 or 0)
  redis.call('HINCRBY', p .. 'tally:' .. run, name .. ':entries', sign)
  redis.call('HINCRBY', p .. 'tally:' .. run, name .. ':cost', 0 + sign * entry.cost)
  redis.call('HINCRBY', p .. 'tally:' .. run, name .. ':avoided', 0 + sign * entry.avoided)
end
local function forget(run, position)
  local old = redis.call('HGET', p .. 'progress:' .. run, position)
  if old then tally(run, cjson.decode(old), -1) end
  redis.call('HDEL', p .. 'progress:' .. run, position)
  redis.call('ZREM', p .. 'positions:' .. run, position)
end
local function record(run, position, entry)
  forget(run, position)
  redis.call('HSET', p .. 'progress:' .. run, position, entry)
  redis.call('ZADD', p .. 'positions:' .. run, position, position)
  tally(run, cjson.decode(entry), 1)
end
local function server_time(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return time[1] + time[2] / 1000000
end
"""

RESERVE = """
local key, id, source, provider, worst, run, day, owner, lease_until, now, uncertain, newer_than = unpack(ARGV, 1, 12)
local name = p .. 'answer:' .. key
local created = redis.call('HGET', name, 'created')
if created and tonumber(created) >= tonumber(newer_than) then
  return {'stored', redis.call('HMGET', name, 'raw', 'cost', 'created', 'error_type', 'error')}
end
local held, doubtful, waiting, longest = {}, false, nil, tonumber(now)
local function taken_up(other)
  local fields = redis.call('HMGET', p .. 'attempt:' .. other, 'pending', 'source', 'provider', 'worst', 'day')
  return {'pending', other, unpack(fields)}
end
for _, other in ipairs(redis.call('SMEMBERS', p .. 'open:' .. key)) do
  local state, whose, until_, kept_until, claim = unpack(redis.call('HMGET', p .. 'attempt:' .. other,
    'state', 'owner', 'lease_until', 'pending_until', 'claim'))
  if state == 'reserved' and other == id then return {'reserved'} end  -- the same request again: its answer was lost
  if state == 'reserved' and claim == id then return taken_up(other) end
  if state == 'reserved' and tonumber(until_) > tonumber(now) then
    held[#held + 1] = {other, whose}
  else
    if state == 'reserved' then move(other, 'uncertain', 'worst') end
    doubtful = true
    if kept_until and tonumber(kept_until) > longest then waiting, longest = other, tonumber(kept_until) end
  end
end
if #held > 0 then return {'held', held} end
-- What a service has accepted is asked for; its money stays on its day, and moves to the run that gets the answer.
if waiting then
  local other = p .. 'attempt:' .. waiting
  local before, micros, that_day = unpack(redis.call('HMGET', other, 'run', 'worst', 'day'))
  count(before, 'uncertain', -1, 0 - micros)
  count(run, 'reserved', 1, micros)
  if before ~= run then
    add(before, that_day, 0 - micros)
    add(run, that_day, micros)
  end
  redis.call('HSET', other, 'state', 'reserved', 'owner', owner, 'lease_until', lease_until, 'run', run, 'claim', id)
  return taken_up(waiting)
end
if doubtful and uncertain == 'keep' then return {'uncertain'} end
local left = nil
for index, scope in ipairs({'run:' .. run, 'all', 'day:' .. day}) do
  local bound = ARGV[12 + index]
  if bound ~= '' then
    local spent = tonumber(redis.call('HGET', p .. 'totals', scope) or '0')
    local rest = tonumber(bound) - spent - tonumber(worst)
    if rest < 0 then return {'over', index, tostring(spent)} end
    left = math.min(left or rest, rest)
  end
end
if redis.call('EXISTS', p .. 'attempt:' .. id) == 1 then return {'taken'} end
redis.call('HSET', p .. 'attempt:' .. id, 'key', key, 'run', run, 'source', source, 'provider', provider,
  'state', 'reserved', 'owner', owner, 'lease_until', lease_until, 'worst', worst, 'day', day, 'started', now)
redis.call('SADD', p .. 'open', id)
redis.call('SADD', p .. 'open:' .. key, id)
count(run, 'reserved', 1, worst)
add(run, day, worst)
return {'reserved', left}
"""

KEEP_PENDING = """
local name = p .. 'attempt:' .. ARGV[1]
if redis.call('EXISTS', name) == 0 then return 0 end
if ARGV[2] == '' then return redis.call('HDEL', name, 'pending', 'pending_until') end
return redis.call('HSET', name, 'pending', ARGV[2], 'pending_until', ARGV[3])
"""

SETTLE = """
local key, id, source, provider, cost, created, raw, error_type, message, run, position, entry = unpack(ARGV)
local name = p .. 'answer:' .. key
redis.call('DEL', name)
redis.call('HSET', name, 'source', source, 'provider', provider, 'cost', cost, 'created', created)
if raw ~= '' then redis.call('HSET', name, 'raw', raw) end
if error_type ~= '' then redis.call('HSET', name, 'error_type', error_type, 'error', message) end
redis.call('ZADD', p .. 'answers', created, key)
if entry ~= '' then record(run, position, entry) end
return move(id, 'settled', cost)
"""

# A hash of a picture whose answer was purged meanwhile is not kept.
KEEP_HASH = """
local key, bits, source = unpack(ARGV)
if redis.call('EXISTS', p .. 'answer:' .. key) == 0 then return 0 end
return redis.call('HSET', p .. 'hashes', key, bits .. source)
"""

END = "return move(ARGV[1], ARGV[2], ARGV[3])"

LOSE = """
local lost = 0
for _, id in ipairs(ARGV) do
  if redis.call('HGET', p .. 'attempt:' .. id, 'state') == 'reserved' then lost = lost + move(id, 'uncertain', 'worst') end
end
return lost
"""

RESOLVE = """
local resolved = 0
for index = 2, #ARGV do
  if redis.call('HGET', p .. 'attempt:' .. ARGV[index], 'state') == 'uncertain' then
    if ARGV[1] == 'billed' then move(ARGV[index], 'settled', 'worst')
    else move(ARGV[index], 'released', 0, true) end
    resolved = resolved + 1
  end
end
return resolved
"""


def with_prelude(body: str) -> str:
    """A script as it is sent to the server."""
    return _PRELUDE + body
