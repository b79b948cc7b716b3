-- The end of an attempt, all of it in one step. What is empty is not stored.
-- KEYS 1 the code  2 what became of it  3 a session  4 a user's session_key: when its attempt began, and the sealed key
-- ARGV 1 the attempt  2 its caller  3 the code's phase as in login-begin.lua, or empty: it is given back
--      4 what became of it, sealed  5 its life in ms  6 for how many ms the code is remembered
--      7 the session, sealed  8 its life in ms  9 when the attempt began  10 the session_key, sealed  11 its life in ms
-- Replies 1 if the code was this attempt's
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = read(KEYS[1])
local attempt = string.match(stored, '^[parl] (%S+) %S+ %d+$')
local isOurs = not attempt or attempt == ARGV[1]
if isOurs and ARGV[3] == '' then redis.call('DEL', KEYS[1], KEYS[2]) end
if isOurs and ARGV[3] ~= '' then
  redis.call('SET', KEYS[1], string.format('%s %s %s %.0f', ARGV[3], ARGV[1], ARGV[2], now), 'PX', ARGV[6])
  if ARGV[4] ~= '' then redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5]) end
end
if ARGV[7] ~= '' then redis.call('SET', KEYS[3], ARGV[7], 'PX', ARGV[8]) end
if ARGV[10] ~= '' then
  local began = string.match(read(KEYS[4]), '^(%d+) %S+$')
  if (tonumber(began) or 0) <= tonumber(ARGV[9]) then
    redis.call('SET', KEYS[4], string.format('%.0f %s', ARGV[9], ARGV[10]), 'PX', ARGV[11])
  end
end
return isOurs and 1 or 0
