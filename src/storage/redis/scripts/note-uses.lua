-- Notes when each identity was last used, and on which replica. An earlier time does not replace a later one. Ignores times in the
-- future: a replica whose clock is wrong would block all later uses.
-- KEYS 1 the uses, a hash: of each identity the ms of its last use, a space, and the replica
-- ARGV 1 the replica  2 for how many ms a use is kept  3 of how many identities at most  4 how many ms a time may be ahead
-- 5 '1' to look through all entries and drop what is too old, in the future or unreadable  from 6 on an identity and the ms, in turn
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local latest = now + tonumber(ARGV[4])
local function timeOf(text)
  local at = text and tonumber(string.match(text, '^(%d+) '))
  return at and at <= latest and at or nil
end
local count = redis.pcall('HLEN', KEYS[1])
if type(count) == 'table' then
  if not string.find(count.err, 'WRONGTYPE') then return count end
  redis.call('DEL', KEYS[1])
  count = 0
end
if ARGV[5] == '1' then
  local texts = redis.call('HGETALL', KEYS[1])
  count = 0
  for i = 1, #texts, 2 do
    local at = timeOf(texts[i + 1])
    if at and now - at <= tonumber(ARGV[2]) and count < tonumber(ARGV[3]) then
      count = count + 1
    else
      redis.call('HDEL', KEYS[1], texts[i])
    end
  end
end
for i = 6, #ARGV, 2 do
  local at = tonumber(ARGV[i + 1])
  if at <= latest then
    local text = redis.call('HGET', KEYS[1], ARGV[i])
    local isNew = not text
    if not isNew or count < tonumber(ARGV[3]) then
      if (timeOf(text) or -1) < at then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[1]) end
      if isNew then count = count + 1 end
    end
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
