-- Ends a fetch that brought no token.
-- ARGV 1 fence  2 outcome: not_sent, refused or unknown  3 forced: 0 or 1  4 day of UTC+8 on which it began
--      5 back-off in ms, or empty  6 its class  7 why, for people
-- Replies the state as it is, with 1
local isNewest = state.intent == ARGV[1]
if ARGV[2] == 'unknown' then
  -- Somebody began after this fetch, whose token may have been minted after theirs.
  if not isNewest then distrust(fence) end
  -- It may have been sent late, or the store may have lost its begin: from now on it counts as under way.
  redis.call('HSET', KEYS[1],
    'intent', state.intent or ARGV[1], 'intent_at', state.intent_at or text(now), 'in_doubt', 1, 'began_at', text(now))
elseif isNewest and state.in_doubt ~= '1' then
  redis.call('HDEL', KEYS[1], 'intent', 'intent_at', 'in_doubt')
end

if ARGV[2] == 'not_sent' and state.day == ARGV[4] then
  redis.call('HSET', KEYS[1],
    'fetches', text(number('fetches') - 1), 'forced', text(number('forced') - tonumber(ARGV[3])))
end

if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1],
    'wait_at', text(now), 'wait_until', text(now + tonumber(ARGV[5])), 'wait_class', ARGV[6], 'wait_why', ARGV[7],
    'failures', text(number('failures') + 1))
end
return asItIs(1)
