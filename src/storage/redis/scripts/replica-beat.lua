-- A replica says that it lives, and hears of all others. Those that were silent for long, and what no replica wrote, are dropped.
-- KEYS 1 the replicas, a hash: of each the ms at which it said so, a space, and what it said
-- ARGV 1 the id of who says so  2 what  3 after how many ms of silence one is forgotten
-- Replies the time in ms, then id, value, id, value of the hash
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local texts = redis.pcall('HGETALL', KEYS[1])
if texts.err or #texts > 2000 then
  redis.call('DEL', KEYS[1])
  texts = {}
end
local said = string.format('%.0f %s', now, ARGV[2])
redis.call('HSET', KEYS[1], ARGV[1], said)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local reply = {string.format('%.0f', now), ARGV[1], said}
for i = 1, #texts, 2 do
  local seen = tonumber(string.match(texts[i + 1], '^(%d+) '))
  local isKept = seen and now - seen <= tonumber(ARGV[3]) and #texts[i + 1] <= 131072
  if not isKept then
    redis.call('HDEL', KEYS[1], texts[i])
  elseif texts[i] ~= ARGV[1] then
    reply[#reply + 1] = texts[i]
    reply[#reply + 1] = texts[i + 1]
  end
end
return reply
