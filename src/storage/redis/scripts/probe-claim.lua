-- Claims the attempt to find out whether the platform takes a token.
-- KEYS 1 the attempt: `p` (pending) or `f` (refused), the ms at which it runs out, its id, and of a refusal its seal
-- ARGV 1 the new attempt  2 for how many ms
-- Replies empty if the attempt belongs to who claims now, else what is there
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local there = read(KEYS[1])
local phase, ends = string.match(there, '^([pf]) (%d+) %S+')
local leftMs = (tonumber(ends) or 0) - now
-- No attempt and no refusal lasts longer than a minute: such a one is of a clock that was wrong, or forged.
local isThere = phase and leftMs > 0 and leftMs <= math.max(60000, 2 * ARGV[2])
if isThere then return string.sub(there, 1, 1000) end
redis.call('SET', KEYS[1], string.format('p %.0f %s', now + ARGV[2], ARGV[1]), 'PX', ARGV[2])
return ''
