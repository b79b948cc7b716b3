-- Keeps a state, or a ticket, that nobody has used yet.
-- KEYS 1 the state
-- ARGV 1 its way  2 the client  3 the proof  4 what it stands for, sealed  5 its life in ms  6 for how many ms more it is remembered
local time = redis.call('TIME')
local expires = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[5]
local value = string.format('o %.0f 0 %s %s %s - %s', expires, ARGV[1], ARGV[2], ARGV[3], ARGV[4])
redis.call('SET', KEYS[1], value, 'PX', ARGV[5] + ARGV[6])
return 1
