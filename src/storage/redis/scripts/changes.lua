-- What came into the list of changes after an entry.
-- KEYS 1 the list, as note.lua writes it
-- ARGV 1 the id of the last entry that was read, or empty  2 how many to read
-- Replies 'since', then id, app, id, app; or 'gap' and the id of the last entry, because that entry is gone (or there was
-- none), and others may be as well; or 'unsupported' where the user may not use it
if ARGV[1] ~= '' then
  local entries = redis.pcall('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2] + 1)
  if entries[1] and entries[1][1] == ARGV[1] then
    local reply = {'since'}
    for i = 2, #entries do
      local id, fields = entries[i][1], entries[i][2]
      local isOurs = fields[1] == 'app' and #fields[2] <= 1024
      reply[2 * i - 2], reply[2 * i - 1] = id, isOurs and fields[2] or ''
    end
    return reply
  end
end
local last = redis.pcall('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if last.err and not string.find(last.err, 'WRONGTYPE') then return {'unsupported'} end
-- Whoever asks next needs one to begin from.
local id = last[1] and last[1][1] or note(KEYS[1], '')
if id == '' then return {'unsupported'} end
return {'gap', id}
