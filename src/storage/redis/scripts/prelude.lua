-- Stands before each of the other scripts. Anybody who may write to Redis can have put anything under a key: what no
-- broker would write is read as '!'.
local function read(key)
  local value = redis.pcall('GET', key)
  if value == false then return '' end
  if type(value) ~= 'string' or #value > 65536 then return '!' end
  return value
end
-- A hash as version 0.1 wrote it, as a table and as the list of its fields and values; nil for any other.
local function hash(key)
  local texts = redis.pcall('HGETALL', key)
  if type(texts) ~= 'table' or texts.err or #texts == 0 or #texts > 100 then return nil end
  local fields = {}
  for i = 1, #texts, 2 do
    if #texts[i] > 8192 or #texts[i + 1] > 8192 then return nil end
    fields[texts[i]] = texts[i + 1]
  end
  return fields, texts
end
-- Leaves an app in the list of changes: the last 10,000 or some more, for a day. What somebody else put in its place goes. Replies the entry's id, or empty where the user may not write it.
local function note(key, app)
  local function add(id) return redis.pcall('XADD', key, 'MAXLEN', '~', '10000', id, 'app', app) end
  local id = add('*')
  if type(id) == 'table' and (string.find(id.err, 'WRONGTYPE') or string.find(id.err, 'exhausted')) then
    redis.pcall('DEL', key)
    -- An entry of this millisecond may have been read before: the new one must not have its id.
    local time = redis.call('TIME')
    local micros = tonumber(time[2])
    id = add(string.format('%s%03d-%d', time[1], math.floor(micros / 1000), 1 + micros % 1000))
  end
  if type(id) ~= 'string' then return '' end
  redis.pcall('PEXPIRE', key, 86400000)
  return id
end
