-- Tries each command of counting, on a key that nobody else uses. Whoever may not do all of them is told so here: in
-- the middle of counting it is too late. Of keys this need not be asked: Redis asks it itself before a script begins.

local key, nothing = KEYS[1], ''
local refused
local function try(command, ...)
  local answer = redis.pcall(command, key, ...)
  if type(answer) == 'table' and answer.err and not refused then
    -- Redis 7.0 says it in these words and under the code of all errors.
    local forbidden = answer.err:find('^NOPERM') or answer.err:find("can't run this command", 1, true)
    refused = redis.error_reply(forbidden and 'NOPERM ' .. command .. ' is forbidden' or answer.err)
  end
end

try('DEL')
try('GETRANGE', 0, 0)
try('SETRANGE', 0, nothing)
try('SISMEMBER', nothing)
try('SADD', nothing)
try('DEL')
try('INCR')
try('DEL')
try('ZCARD')
try('ZADD', 0, nothing)
try('DEL')
try('HMGET', nothing)
try('HSETNX', nothing, 0)
try('HINCRBY', nothing, 0)
try('HSET', nothing, 0)
try('DEL')
return refused or 0
