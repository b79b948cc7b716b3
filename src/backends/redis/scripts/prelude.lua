-- Stands before each of the other scripts. KEYS 1: the app's state, a hash. KEYS 2: its fence, which outlives the state.
-- Numbers are written out in full, because Lua's own way keeps only 14 digits.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before = redis.call('HGETALL', KEYS[1])
local state = {}
for i = 1, #before, 2 do state[before[i]] = before[i + 1] end

-- What cannot be read as a number is as good as absent: it is written over by the next fetch.
local function readable(stored)
  local n = tonumber(stored or 0)
  if n and n > -9007199254740992 and n < 9007199254740992 then return n end
  return 0
end
local fence = readable(redis.call('GET', KEYS[2]))
local function number(name) return readable(state[name]) end
local function text(n) return string.format('%.0f', n) end
local function distrust(upTo)
  if upTo > number('suspect') then redis.call('HSET', KEYS[1], 'suspect', text(upTo)) end
end
local function raiseFence(atLeast)
  if atLeast > fence then
    fence = atLeast
    redis.call('SET', KEYS[2], text(fence))
  end
end
local function asItWas(code) return {code, now, fence, before} end
local function asItIs(code) return {code, now, fence, redis.call('HGETALL', KEYS[1])} end
