-- Takes the next fence and leaves an intent: the right to send one request to the platform.
-- KEYS 3 the lease
-- ARGV 1 the lease's value  2 generation that the caller saw  3 highest generation that this replica knows
--      4 back-off to ignore: none, day_quota or all  5 daily budget  6 budget of forced refreshes  7 forced: 0 or 1
-- Replies the state as it was, with 1 granted, the fence being the new one  2 moved on  3 lease lost  4 backing off
--      5 daily budget used up  6 forced budget used up
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return asItWas(3) end
if number('generation') > tonumber(ARGV[2]) and number('expires_at') > now then return asItWas(2) end
if number('wait_until') > now and ARGV[4] ~= 'all' and ARGV[4] ~= state.wait_class then return asItWas(4) end

local day = math.floor((now + 28800000) / 86400000)
local fetches, forced = 0, 0
if number('day') == day then fetches, forced = number('fetches'), number('forced') end
if fetches >= tonumber(ARGV[5]) then return asItWas(5) end
if ARGV[7] == '1' and forced >= tonumber(ARGV[6]) then return asItWas(6) end

raiseFence(math.max(fence + 1, number('generation') + 1, number('suspect') + 1, tonumber(ARGV[3]) + 1, now))
redis.call('HSET', KEYS[1],
  'intent', text(fence), 'intent_at', text(now), 'in_doubt', state.intent and 1 or 0, 'began_at', text(now),
  'day', text(day), 'fetches', text(fetches + 1), 'forced', text(forced + tonumber(ARGV[7])))
return asItWas(1)
