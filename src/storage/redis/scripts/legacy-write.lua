-- Has replicas of version 0.1 take a new token over, for as long as their hash is there.
-- KEYS 1 the hash  2 the fence
-- ARGV 1 who writes  2 the generation  3 and on: field, value, field, value
-- Replies 1 if there is a hash that belongs to who writes
local fields = hash(KEYS[1])
if not fields or fields.taken_by ~= ARGV[1] then return 0 end
local generation = tonumber(ARGV[2])
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('HDEL', KEYS[1], 'wait_at', 'wait_until', 'wait_class', 'wait_why', 'failures')
-- Whatever came of that fetch, this one replaces its token.
if (tonumber(fields.intent) or 0) < generation then redis.call('HDEL', KEYS[1], 'intent', 'intent_at', 'in_doubt') end
if (tonumber(read(KEYS[2])) or 0) < generation then redis.call('SET', KEYS[2], ARGV[2], 'KEEPTTL') end
return 1
