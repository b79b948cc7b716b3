-- Stores a state in place of the one that was read.
-- KEYS 1 the sealed state  2 whose it is  3 the lease  4 the list of changes, if it is to have an entry of this
-- ARGV 1 the state that was read  2 the new one  3 its life in ms  4 whose it is  5 a lease's value, or empty
--      6 the step of the protocol, for people who watch
-- Replies 1, or 2 and nothing is stored because the lease has another value, or 0 and nothing is stored because the
-- state is another one by now; then the time in ms, the state, whose it is, as load.lua, and the entry's id
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local current = read(KEYS[1])
if current ~= ARGV[1] then return {0, now, current, read(KEYS[2])} end
if ARGV[5] ~= '' and read(KEYS[3]) ~= ARGV[5] then return {2, now, current, read(KEYS[2])} end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3])
return {1, now, ARGV[2], ARGV[4], KEYS[4] and note(KEYS[4], ARGV[4]) or ''}
