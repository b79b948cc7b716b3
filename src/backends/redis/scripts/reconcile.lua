-- Merges what a replica holds with what is stored, by maximum.
-- ARGV 1 generation that it holds, or 0  2 highest generation that it committed itself
--      3 base  4 since  5 sealed value  6 issued_at  7 expires_at  8 owner  9 reason: of the record that it holds
-- Replies the state as it is, with 1
local function distrustAsLost(upTo)
  distrust(upTo)
  if upTo > number('rolled_back') then redis.call('HSET', KEYS[1], 'rolled_back', text(upTo)) end
end

local held, committed, stored = tonumber(ARGV[1]), tonumber(ARGV[2]), number('generation')
if held > stored then
  -- The store lost something: it is filled again, and fetches that it knows nothing of may be under way.
  redis.call('HSET', KEYS[1],
    'generation', ARGV[1], 'base', ARGV[3], 'since', ARGV[4], 'value', ARGV[5], 'issued_at', ARGV[6],
    'expires_at', ARGV[7], 'owner', ARGV[8], 'reason', ARGV[9], 'began_at', text(now))
  raiseFence(held)
  distrustAsLost(held)
elseif stored > committed and number('base') < committed then
  -- A fork: it was fetched without knowing of what this replica had committed.
  distrustAsLost(stored)
else
  return asItWas(1)
end
return asItIs(1)
