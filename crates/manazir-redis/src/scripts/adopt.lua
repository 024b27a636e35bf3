-- Lets what was counted under another name take the place of what was counted here, and leaves nothing there; 1 if it
-- did, 0 if something was counted here since it was compared.
--
-- KEYS: how often something changed; the blocks that were counted in; both of the other name; a key of nobody; then in
--       pairs what else gets the place of which.
-- ARGV: how often something had changed when it was compared; how our names begin, and those of the other.

local changes, blocks, staged_changes, staged_blocks, nobody = unpack(KEYS)
local live, staged = ARGV[2], ARGV[3]

if (redis.call('GET', changes) or '0') ~= ARGV[1] then
  return 0
end

-- Redis takes nothing back when a script fails. It has looked already whether the keys may be touched; whether the
-- commands may be used is looked at here, and by the first of them whether there is memory, a disk and replicas: from
-- the first write on Redis refuses nothing more for want of those.
for _, command in ipairs({ { 'ZADD', nobody, 'XX', 0, '' }, { 'RENAME', nobody, nobody }, { 'UNLINK', nobody } }) do
  local answer = redis.pcall(unpack(command))
  local said = type(answer) == 'table' and answer.err
  if said and (said:find('^NOPERM') or said:find("can't run this command", 1, true)) then
    return redis.error_reply('NOPERM ' .. command[1] .. ' is forbidden')
  elseif said and not said:find('no such key', 1, true) then
    return redis.error_reply(said)
  end
end
local old, new = redis.call('ZRANGE', blocks, 0, -1), redis.call('ZRANGE', staged_blocks, 0, -1)

local change = redis.call('INCR', changes)

local function move(from, to)
  if redis.call('EXISTS', from) == 1 then
    -- What was there before is not freed by the way.
    redis.call('UNLINK', to)
    redis.call('RENAME', from, to)
  else
    redis.call('UNLINK', to)
  end
end

for pair = 6, #KEYS, 2 do
  move(KEYS[pair + 1], KEYS[pair])
end
for _, block in ipairs(old) do
  redis.call('UNLINK', live .. 'seen:' .. block, live .. 'more:' .. block)
end
redis.call('UNLINK', blocks)
for _, block in ipairs(new) do
  move(staged .. 'seen:' .. block, live .. 'seen:' .. block)
  move(staged .. 'more:' .. block, live .. 'more:' .. block)
  -- Whoever compares at this time compares all of them anew.
  redis.call('ZADD', blocks, change, block)
end
redis.call('UNLINK', staged_blocks, staged_changes)
return 1
