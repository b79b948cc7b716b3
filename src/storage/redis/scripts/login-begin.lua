-- Uses a state up and claims a code, in one step.
-- KEYS 1 the state: `o` (open) or `u` (used), when it expires, wrong proofs so far, way, client, proof, what it was used with, sealed
--      2 the code: `p` (pending), `a` (answered), `r` (refused) or `l` (lost), the attempt, its caller, when it ended or will be lost
--      3 what became of the code, sealed
-- ARGV 1 the state's way, or empty: there is none  2 the client, or empty  3 the proof, or empty
--      4 the hash of the code, or what a state without a code is used with  5 the attempt, or empty: there is no code
--      6 its caller  7 after how many ms a pending code is lost  8 for how many ms a code is remembered
--      9 so many wrong proofs use a state up  10 for how many ms an expired state is remembered
--      11 by the time of Redis, until when anybody waits for this, or 0: not known
-- Replies `late` if nobody waits any more, and nothing was done; else how it went, the time of Redis in ms, what the state stands for; of a known code also 1 if the caller is the
-- same, its phase, when it ended, and what became of it
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if tonumber(ARGV[11]) > 0 and now > tonumber(ARGV[11]) then return {'late', now, ''} end
local login, expires = '', nil
if ARGV[1] ~= '' then
  local phase, ends, misses, way, client, proof, usedWith, sealed =
    string.match(read(KEYS[1]), '^([ou]) (%d+) (%d+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  expires = tonumber(ends)
  if not phase or way ~= ARGV[1] or (ARGV[2] ~= '' and client ~= ARGV[2]) then return {'unknown', now, ''} end
  local isProven = ARGV[3] == '' or proof == ARGV[3]
  local function keep(newPhase, newMisses, newUsedWith)
    local value = string.format('%s %s %d %s %s %s %s %s', newPhase, ends, newMisses, way, client, proof, newUsedWith, sealed)
    redis.call('SET', KEYS[1], value, 'PX', math.max(1, expires - now) + ARGV[10])
  end
  if phase == 'u' then
    if not isProven or ARGV[5] == '' or usedWith ~= ARGV[4] then return {'used', now, ''} end
  elseif now >= expires then
    return {'expired', now, ''}
  elseif not isProven then
    local isLast = misses + 1 >= tonumber(ARGV[9])
    keep(isLast and 'u' or 'o', misses + 1, '-')
    return {'mismatch', now, ''}
  else
    keep('u', misses, ARGV[4])
  end
  login = sealed
end
if ARGV[5] == '' then return {'claimed', now, login} end
local phase, _, caller, at = string.match(read(KEYS[2]), '^([parl]) (%S+) (%S+) (%d+)$')
if not phase then
  -- It was used before, and the code given back.
  if expires and now >= expires then return {'expired', now, ''} end
  local value = string.format('p %s %s %.0f', ARGV[5], ARGV[6], now + ARGV[7])
  redis.call('SET', KEYS[2], value, 'PX', ARGV[7] + ARGV[8])
  redis.call('DEL', KEYS[3])
  return {'claimed', now, login}
end
local isSame = caller == ARGV[6] and 1 or 0
if phase == 'p' and now >= tonumber(at) then phase = 'l' end
return {'known', now, login, isSame, phase, tonumber(at), read(KEYS[3])}
