//! What Redis does at once.

/// A script, with what all have in common: its keys, how it reads its arguments, and how it tells all hubs of something. What is told has
/// numbers, by which a hub sees that it has missed something, or that Redis has an older state than it had. The largest number that an event
/// of any room had is kept, so that no room which is made again has one that viewers know.
///
/// The stream goes back for a minute, and has 64 MiB of what was told at most, give or take what is told between two looks. A hub that was away
/// for longer reads states and logs instead. Entries say how many bytes were told before them, so that two of them say what is between.
macro_rules! script {
    ($body:literal) => {
        concat!(
            r"
local state, log, rooms, stream, count, id, newest, seen = unpack(KEYS)
local at = 0
local function next() at = at + 1; return ARGV[at] end
local function keep(room, ttl)
    redis.call('PEXPIRE', state, ttl)
    redis.call('PEXPIRE', log, ttl)
    redis.call('SADD', rooms, room)
end
local function number(text) return tonumber(text or '0') end
local function known(last)
    if last > number(redis.call('GET', newest)) then redis.call('SET', newest, string.format('%d', last)) end
end
local function bound(told)
    while redis.call('XLEN', stream) > 1 do
        local entry, before = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1][2], 0
        for at = 1, #entry, 2 do if entry[at] == 'told' then before = number(entry[at + 1]) end end
        if told - before <= 67108864 then return end
        redis.call('XTRIM', stream, 'MAXLEN', math.floor(redis.call('XLEN', stream) * 3 / 4))
    end
end
local function tell(bytes, ...)
    local told = redis.call('INCRBY', count .. ':bytes', bytes)
    if math.floor(told / 8388608) > math.floor((told - bytes) / 8388608) then bound(told) end
    local oldest = string.format('%d', (redis.call('TIME')[1] - 60) * 1000)
    redis.call('XADD', stream, 'MINID', '~', oldest, '*', 'seq', redis.call('INCR', count), 'told', string.format('%d', told - bytes), ...)
    redis.call('EXPIRE', stream, 86400)
end
",
            $body
        )
    };
}

/// Publishes a change: keeps the state and the log of the room, gives its events their numbers, and tells all hubs. One that is sent twice,
/// as its answer was lost, is done once. A server that has forgotten everything takes none before it was told what hubs know.
pub(super) const PUBLISH: &str = script!(
    r"
if redis.call('GET', id) ~= next() then return redis.error_reply('FORGOTTEN it has lost what hubs told it') end
local sequence, room, last, ttl = tonumber(next()), next(), tonumber(next()), next()
local log_max, log_bytes, change = tonumber(next()), tonumber(next()), next()
if sequence <= number(redis.call('GET', seen)) then return 0 end
-- What is not allowed here fails before anything is changed.
redis.call('MEMORY', 'USAGE', log, 'SAMPLES', 0)
redis.call('SET', seen, sequence, 'EX', 3600)
for _ = 1, tonumber(next()) do redis.call('HDEL', state, next()) end
for _ = 1, tonumber(next()) do local key = next(); redis.call('HSET', state, key, next()) end
last = math.max(number(redis.call('HGET', state, '') or redis.call('GET', newest)), last)
for _ = 1, tonumber(next()) do last = last + 1; redis.call('RPUSH', log, next()) end
redis.call('LTRIM', log, -log_max, -1)
while redis.call('LLEN', log) > 1 and redis.call('MEMORY', 'USAGE', log, 'SAMPLES', 0) > log_bytes do redis.call('LPOP', log) end
redis.call('HSET', state, '', string.format('%d', last))
known(last)
keep(room, ttl)
tell(#change, 'n', string.format('%d', last), 'change', change)
return 1
"
);

/// Tells a server that has forgotten a room what a hub knows of it. Where another hub has told it something by now, that holds, and the
/// numbers of events go on from the larger one.
pub(super) const RESTORE: &str = script!(
    r"
local room, last, ttl, change = next(), tonumber(next()), next(), next()
local before = redis.call('HGET', state, '')
redis.call('HSET', state, '', string.format('%d', math.max(number(before), last)))
known(last)
if before then return 0 end
for _ = 1, tonumber(next()) do local key = next(); redis.call('HSET', state, key, next()) end
for _ = 1, tonumber(next()) do redis.call('RPUSH', log, next()) end
keep(room, ttl)
tell(#change, 'n', string.format('%d', last), 'change', change)
return 1
"
);

/// Has a server that came back with what it had a while ago forget it all: hubs know better. Only the first of them does.
pub(super) const FORGET: &str = script!(
    r"
if redis.call('GET', id) ~= next() then return 0 end
local another, prefix = next(), next()
for _, room in ipairs(redis.call('SMEMBERS', rooms)) do
    redis.call('DEL', prefix .. ':state:' .. room, prefix .. ':log:' .. room)
end
redis.call('DEL', rooms, stream, count, count .. ':bytes')
-- At once: by the one before, others would have it back.
redis.call('SET', id, another)
return 1
"
);

/// Reads how much was told, and where the newest of it is in the stream.
pub(super) const NEWEST: &str = script!(
    r"
local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
return {redis.call('GET', count) or '0', newest[1] and newest[1][1] or '0-0'}
"
);

/// Reads the state and the log of a room; forgets a room that has gone.
pub(super) const LOAD: &str = script!(
    r"
local kept = redis.call('HGETALL', state)
if #kept == 0 then redis.call('SREM', rooms, next()) end
return {kept, redis.call('LRANGE', log, 0, -1)}
"
);

/// Has a room go that nobody watches and in which nothing was done for a time, and tells all hubs.
pub(super) const EVICT: &str = script!(
    r"
local room, idle = next(), tonumber(next())
if redis.call('PTTL', state) > idle then return 0 end
redis.call('DEL', state, log)
redis.call('SREM', rooms, room)
tell(#room, 'gone', room)
return 1
"
);
