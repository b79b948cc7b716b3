-- Claims apps for a broker, or renews its claims.
-- KEYS of each app the claim: the ms at which it runs out, a space, and who holds it
-- ARGV 1 for how many ms  2 '1' to take them away from whoever holds them  3 and on: of each app who claims it
-- Replies of each app empty if it belongs to who claims now, else who holds it
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local replies = {}
for i, key in ipairs(KEYS) do
  local who = ARGV[i + 2]
  local untilText, holder = string.match(read(key), '^(%d+) (.+)$')
  local leftMs = (tonumber(untilText) or 0) - now
  -- One that lasts longer than any broker claims is of somebody else, or of a clock that was wrong.
  local isHeld = leftMs > 0 and leftMs <= 2 * ARGV[1]
  if isHeld and holder ~= who and ARGV[2] ~= '1' then
    replies[i] = string.sub(holder, 1, 1000)
  else
    redis.call('SET', key, string.format('%.0f %s', now + ARGV[1], who), 'PX', ARGV[1])
    replies[i] = ''
  end
end
return replies
