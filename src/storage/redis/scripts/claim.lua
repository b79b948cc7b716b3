-- Claims an app for a broker, or renews its claim.
-- KEYS 1 the claim: the ms at which it runs out, a space, and who holds it
-- ARGV 1 who claims  2 for how many ms  3 '1' to take it away from whoever holds it
-- Replies empty if it belongs to who claims now, else who holds it
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local untilText, holder = string.match(read(KEYS[1]), '^(%d+) (.+)$')
local leftMs = (tonumber(untilText) or 0) - now
-- One that lasts longer than any broker claims is of somebody else, or of a clock that was wrong.
local isHeld = leftMs > 0 and leftMs <= 2 * ARGV[2]
if isHeld and holder ~= ARGV[1] and ARGV[3] ~= '1' then return string.sub(holder, 1, 1000) end
redis.call('SET', KEYS[1], string.format('%.0f %s', now + ARGV[2], ARGV[1]), 'PX', ARGV[2])
return ''
