-- What version 0.1 stored of an app. It gets a life of a day; where the user may not set one it stays for ever.
-- KEYS 1 the hash  2 the fence
-- Replies the fence, then field, value, field, value of the hash; nothing of what 0.1 would not have written
local fields = redis.pcall('HGETALL', KEYS[1])
if type(fields) ~= 'table' or fields.err or #fields > 100 then return {''} end
for _, text in ipairs(fields) do
  if #text > 8192 then return {''} end
end
for _, key in ipairs(KEYS) do redis.pcall('PEXPIRE', key, 86400000) end
local reply = {read(KEYS[2])}
for _, text in ipairs(fields) do reply[#reply + 1] = text end
return reply
