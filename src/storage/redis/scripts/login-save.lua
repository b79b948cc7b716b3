-- Replaces a session, unless it was ended, and gives up the right to refresh it, if it is still ours.
-- KEYS 1 the session  2 the right
-- ARGV 1 who has the right  2 the session, sealed, or empty  3 its life in ms
if ARGV[2] ~= '' and redis.call('EXISTS', KEYS[1]) == 1 then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
if read(KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1
