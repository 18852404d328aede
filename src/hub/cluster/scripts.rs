//! What Redis does at once.

/// Publishes a change: keeps the state and the log of the room, gives its events their numbers, and tells all hubs. One that is sent twice,
/// as its answer was lost, is done once. A server that has forgotten everything takes none before it was told what hubs know.
///
/// The stream goes back for a minute; a hub that was away for longer reads states and logs instead.
pub(super) const PUBLISH: &str = r"
local state, log, seen, rooms, stream = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local at = 0
local function next() at = at + 1; return ARGV[at] end
if redis.call('GET', KEYS[6]) ~= next() then return redis.error_reply('FORGOTTEN it has lost what hubs told it') end
local sequence, room, floor, ttl, log_max, change = tonumber(next()), next(), tonumber(next()), next(), tonumber(next()), next()
if sequence <= tonumber(redis.call('GET', seen) or '0') then return 0 end
redis.call('SET', seen, sequence, 'EX', 86400)
for _ = 1, tonumber(next()) do redis.call('HDEL', state, next()) end
for _ = 1, tonumber(next()) do local key = next(); redis.call('HSET', state, key, next()) end
local last = math.max(tonumber(redis.call('HGET', state, '') or '0'), floor)
for _ = 1, tonumber(next()) do last = last + 1; redis.call('RPUSH', log, next()) end
redis.call('LTRIM', log, -log_max, -1)
redis.call('HSET', state, '', string.format('%d', last))
redis.call('PEXPIRE', state, ttl)
redis.call('PEXPIRE', log, ttl)
redis.call('SADD', rooms, room)
local oldest = string.format('%d', (redis.call('TIME')[1] - 60) * 1000)
redis.call('XADD', stream, 'MINID', '~', oldest, '*', 'n', string.format('%d', last), 'change', change)
redis.call('EXPIRE', stream, 86400)
return 1
";

/// Tells a server that has forgotten a room what a hub knows of it. Where another hub has told it something by now, that holds, and the
/// numbers of events go on from the larger one.
pub(super) const RESTORE: &str = r"
local state, log, rooms, stream = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local at = 0
local function next() at = at + 1; return ARGV[at] end
local room, last, ttl, change = next(), tonumber(next()), next(), next()
local known = redis.call('HGET', state, '')
redis.call('HSET', state, '', string.format('%d', math.max(tonumber(known or '0'), last)))
if known then return 0 end
for _ = 1, tonumber(next()) do local key = next(); redis.call('HSET', state, key, next()) end
for _ = 1, tonumber(next()) do redis.call('RPUSH', log, next()) end
redis.call('PEXPIRE', state, ttl)
redis.call('PEXPIRE', log, ttl)
redis.call('SADD', rooms, room)
redis.call('XADD', stream, '*', 'n', string.format('%d', last), 'change', change)
return 1
";

/// Reads the state and the log of a room; forgets a room that has gone.
pub(super) const LOAD: &str = r"
local state = redis.call('HGETALL', KEYS[1])
if #state == 0 then redis.call('SREM', KEYS[3], ARGV[1]) end
return {state, redis.call('LRANGE', KEYS[2], 0, -1)}
";

/// Has a room go that nobody watches and in which nothing was done for a time, and tells all hubs.
pub(super) const EVICT: &str = r"
if redis.call('PTTL', KEYS[1]) > tonumber(ARGV[2]) then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('XADD', KEYS[4], '*', 'gone', ARGV[1])
return 1
";
