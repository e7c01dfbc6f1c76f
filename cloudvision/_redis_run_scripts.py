"""The Lua scripts behind the runs of a Redis ledger, and behind the rate that all share; see `_redis_scripts`."""

from __future__ import annotations

# The owners from the eighth argument on have ended.
BEGIN_RUN = """
local identity, command, provider, now, reopen, owner, lease_until = unpack(ARGV, 1, 7)
local gone, beside, fit = {[owner] = true}, 0, nil
for index = 8, #ARGV do gone[ARGV[index]] = true end
local runs = redis.call('LRANGE', p .. 'runs', 0, -1)
for index = #runs, 1, -1 do
  local name = p .. 'run:' .. runs[index]
  local what, ended, whose, lease = unpack(redis.call('HMGET', name, 'identity', 'ended', 'owner', 'lease_until'))
  if what == identity then
    if not ended and whose and not gone[whose] and tonumber(lease) > tonumber(now) then beside = 1
    elseif not fit and (not ended or reopen == '1') then fit = runs[index] end
  end
end
if fit then
  redis.call('HDEL', p .. 'run:' .. fit, 'ended')
  redis.call('HSET', p .. 'run:' .. fit, 'owner', owner, 'lease_until', lease_until)
  return {tonumber(fit), 1, beside}
end
local id = redis.call('INCR', p .. 'last_run')
redis.call('HSET', p .. 'run:' .. id, 'identity', identity, 'command', command, 'provider', provider, 'started', now,
  'owner', owner, 'lease_until', lease_until)
redis.call('RPUSH', p .. 'runs', id)
return {id, 0, beside}
"""

RENEW = """
for index = 3, #ARGV do
  local name = p .. 'attempt:' .. ARGV[index]
  if redis.call('HGET', name, 'state') == 'reserved' then redis.call('HSET', name, 'lease_until', ARGV[2]) end
end
for _, run in ipairs(redis.call('LRANGE', p .. 'runs', 0, -1)) do
  local name = p .. 'run:' .. run
  if redis.call('HGET', name, 'owner') == ARGV[1] then redis.call('HSET', name, 'lease_until', ARGV[2]) end
end
"""

RECORD = "record(ARGV[1], ARGV[2], ARGV[3])"
FORGET = "for index = 2, #ARGV do forget(ARGV[1], ARGV[index]) end"

TAKE_START = """
local name, now, longest, paused = p .. 'starts:' .. ARGV[1], server_time(ARGV[2]), 0, nil
for index = 4, #ARGV, 2 do longest = math.max(longest, tonumber(ARGV[index])) end
redis.call('ZREMRANGEBYSCORE', name, '-inf', string.format('%.9f', now - longest))
redis.call('ZREMRANGEBYSCORE', name, string.format('(%.9f', now + 1), '+inf')
local since, until_ = unpack(redis.call('HMGET', p .. 'pause:' .. ARGV[1], 'since', 'until'))
local wait = (since and tonumber(since) <= now + 1) and math.max(0, tonumber(until_) - now) or 0
for index = 3, #ARGV, 2 do
  local found = redis.call('ZREVRANGE', name, tonumber(ARGV[index]) - 1, tonumber(ARGV[index]) - 1, 'WITHSCORES')
  if found[2] then wait = math.max(wait, tonumber(found[2]) + tonumber(ARGV[index + 1]) - now) end
end
if wait <= 0 then
  redis.call('ZADD', name, string.format('%.9f', now), redis.call('INCR', p .. 'last_start'))
  redis.call('PEXPIRE', name, math.ceil(longest * 1000) + 1000)
end
return string.format('%.9f', wait)
"""

PAUSE_STARTS = """
local name, now = p .. 'pause:' .. ARGV[1], server_time(ARGV[2])
local since, until_ = unpack(redis.call('HMGET', name, 'since', 'until'))
local last = (since and tonumber(since) <= now + 1) and tonumber(until_) or now
if now + tonumber(ARGV[3]) > last then
  redis.call('HSET', name, 'since', string.format('%.9f', now), 'until', string.format('%.9f', now + ARGV[3]))
end
"""
