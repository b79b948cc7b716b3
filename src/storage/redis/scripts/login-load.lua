-- What is stored under a key, and the time of Redis in ms.
-- KEYS 1 the key
local time = redis.call('TIME')
return {time[1] * 1000 + math.floor(time[2] / 1000), read(KEYS[1])}
