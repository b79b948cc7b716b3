-- What is stored of an app, and the time of Redis in ms.
-- KEYS 1 the sealed state  2 whose it is  3 the lease
-- ARGV 1 a lease's value, or empty
-- Replies the time, the state, whose it is, and 1 if the lease has that value
local time = redis.call('TIME')
return {
  time[1] * 1000 + math.floor(time[2] / 1000),
  read(KEYS[1]), read(KEYS[2]), read(KEYS[3]) == ARGV[1] and 1 or 0,
}
