-- What is stored of an app, and the time of Redis in ms.
-- KEYS 1 the sealed state  2 whose it is  3 the lease  4 what version 0.1 stored
-- ARGV 1 a lease's value, or empty
-- Replies the time, the state, whose it is, 1 if the lease has that value, and 0 if version 0.1 stored nothing
local time = redis.call('TIME')
return {
  time[1] * 1000 + math.floor(time[2] / 1000),
  read(KEYS[1]), read(KEYS[2]), read(KEYS[3]) == ARGV[1] and 1 or 0,
  redis.pcall('EXISTS', KEYS[4]) == 0 and 0 or 1,
}
