-- Replaces a session, unless it was ended, and gives up the right to refresh it.
-- KEYS 1 the session  2 the right
-- ARGV 1 who has the right  2 the session, sealed, or empty  3 its life in ms
-- Replies 0 if the right is not theirs any more, and nothing was done
if read(KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' and redis.call('EXISTS', KEYS[1]) == 1 then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
redis.call('DEL', KEYS[2])
return 1
