-- Keeps when each identity was used last, and on which replica; an older word does not replace a newer one. What is too old, and
-- what no replica wrote, is dropped.
-- KEYS 1 the uses, a hash: of each identity the ms of its last use, a space, and the replica
-- ARGV 1 the replica  2 for how many ms a use is kept  3 of how many identities at most  from 4 on an identity and the ms, in turn
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local texts = redis.pcall('HGETALL', KEYS[1])
if texts.err then
  redis.call('DEL', KEYS[1])
  texts = {}
end
local known = {}
local count = 0
for i = 1, #texts, 2 do
  local at = tonumber(string.match(texts[i + 1], '^(%d+) '))
  if at and now - at <= tonumber(ARGV[2]) and count < tonumber(ARGV[3]) then
    known[texts[i]] = at
    count = count + 1
  else
    redis.call('HDEL', KEYS[1], texts[i])
  end
end
for i = 4, #ARGV, 2 do
  local before = known[ARGV[i]]
  if before then
    if before < tonumber(ARGV[i + 1]) then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[1]) end
  elseif count < tonumber(ARGV[3]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[1])
    count = count + 1
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
