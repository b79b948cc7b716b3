-- What version 0.1 stored of an app, for the one identity that took it over. What 0.1 stored last lives for a day; where
-- the user may not set a life it stays for ever.
-- KEYS 1 the hash  2 the fence  3 the lease
-- ARGV 1 who reads  2 '1' to take over what nobody has taken  3 the newest generation that the reader has
--      4 the value of the reader's own lease, or empty
-- Replies the fence, 1 if another one holds the lease, then field, value, field, value of the hash; or nothing: there is
-- no hash, it belongs to another identity, or 0.1 would not have written it
local fields, texts = hash(KEYS[1])
if not fields then return {} end
local isNews = (tonumber(fields.generation) or 0) > tonumber(ARGV[3])
if fields.taken_by ~= ARGV[1] then
  if fields.taken_by or ARGV[2] ~= '1' then return {} end
  redis.pcall('HSET', KEYS[1], 'taken_by', ARGV[1])
  isNews = true
end
if isNews then
  for _, key in ipairs({KEYS[1], KEYS[2]}) do redis.pcall('PEXPIRE', key, 86400000) end
end
local lease = read(KEYS[3])
local reply = {read(KEYS[2]), (lease == '' or lease == ARGV[4]) and '0' or '1'}
for _, text in ipairs(texts) do reply[#reply + 1] = text end
return reply
