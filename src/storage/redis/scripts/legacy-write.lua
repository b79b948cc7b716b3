-- Has replicas of version 0.1 take a new token over, for as long as their hash is there.
-- KEYS 1 the hash
-- ARGV field, value, field, value
-- Replies 1 if it is there
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
redis.call('HDEL', KEYS[1], 'wait_at', 'wait_until', 'wait_class', 'wait_why', 'failures')
return 1
