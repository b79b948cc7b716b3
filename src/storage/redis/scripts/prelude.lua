-- Stands before each of the other scripts. Anybody who may write to Redis can have put anything under a key: what no
-- broker would write is read as '!'.
local function read(key)
  local value = redis.pcall('GET', key)
  if value == false then return '' end
  if type(value) ~= 'string' or #value > 65536 then return '!' end
  return value
end
