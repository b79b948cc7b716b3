-- Stores a fetched token, unless a later fetch was stored before it. Needs no lease; twice is the same as once.
-- ARGV 1 fence  2 generation of the base  3 overlapping: 0 or 1  4 first generation of the value, if the base is stored
--      5 sealed value  6 issued_at  7 expires_at  8 owner  9 reason
-- Replies the state as it is, with 1 committed  2 superseded
local mine, generation = tonumber(ARGV[1]), number('generation')
if generation == mine or number('base') == mine then return asItIs(1) end

if state.intent == ARGV[1] then redis.call('HDEL', KEYS[1], 'intent', 'intent_at', 'in_doubt') end
if mine < generation then
  distrust(fence)
  return asItIs(2)
end

raiseFence(mine)
local baseIsStored = generation == tonumber(ARGV[2])
if not baseIsStored or ARGV[3] == '1' then distrust(fence) end
redis.call('HSET', KEYS[1],
  'generation', ARGV[1], 'base', ARGV[2], 'since', baseIsStored and ARGV[4] or ARGV[1], 'value', ARGV[5],
  'issued_at', ARGV[6], 'expires_at', ARGV[7], 'owner', ARGV[8], 'reason', ARGV[9])
redis.call('HDEL', KEYS[1], 'wait_at', 'wait_until', 'wait_class', 'wait_why', 'failures')
return asItIs(1)
