-- Ends an attempt that this replica claimed.
-- KEYS 1 the attempt, as probe-claim.lua
-- ARGV 1 its id  2 the seal of a refusal, or empty: there is none  3 for how many ms the others hear of it
-- Replies 1, or 0 if the claim was over
local ends, id = string.match(read(KEYS[1]), '^p (%d+) (%S+)$')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if id ~= ARGV[1] or now >= tonumber(ends) then return 0 end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], string.format('f %.0f %s %s', now + ARGV[3], id, ARGV[2]), 'PX', ARGV[3])
end
return 1
