-- Counts those of a chunk of findings that were never counted, and remembers them. Answers how many those were.
--
-- KEYS: the keys that have a row; the table; how often something changed; the blocks that were counted in; of each block
--       of positions what was counted there and what else was; the table of totals, if there is one.
-- ARGV: five lists, each behind its length: the categories; the columns count, sum and mean of the totals and further
--       ones, or none; of each further one whether it has the `min` or the `max`; the keys of the findings; of each block
--       its findings, in the order of their positions, each only once.
--
-- Redis takes nothing back when a script fails. So all that can be refused is looked at before the first write: types,
-- texts that are no numbers, sums that would overflow. From the first write on Redis itself refuses nothing more for
-- want of memory, of a disk or of replicas. If something failed there all the same, then what is remembered stands
-- first: a finding would be missing, once, and not be counted again by each who tries again.

-- Position in the block, content, number of the key and of the category from 0 on, amount.
local ROW, ROW_BYTES = '<I2c8I2I2i8', 22
local NONE = string.rep('\0', 8)
-- Numbers are doubles here. One chunk's amounts add up to 10^15 at most, which is exact; what is in the table is not
-- added here. A sum below this overflows by none of them, whichever way it is rounded when it is looked at.
local SUM_MAX = 9.2e18
-- The division below is exact as long as a rest of it and six digits are.
local COUNT_MAX = 9e9
-- Below this a number is exact.
local AMOUNT_MAX = 9e15

local argument = 0
local function list()
  argument = argument + 1
  local items = {}
  for at = 1, tonumber(ARGV[argument]) do
    items[at] = ARGV[argument + at]
  end
  argument = argument + #items
  return items
end
local categories, columns, more, names, blocks = list(), list(), list(), list(), list()
local keys, table_, changes, index, totals = KEYS[1], KEYS[2], KEYS[3], KEYS[4], #columns > 0 and KEYS[#KEYS]

-- What is new, and where it is to be remembered: neighbours together.
local counted, runs, others = 0, {}, {}
-- What it adds, to the fields of the table and for each key.
local fields, amounts, ids = {}, {}, {}
local touched, counts, sums, extremes = {}, {}, {}, { min = {}, max = {} }
-- The blocks that it is counted in.
local changed = {}

local function remember(seen, slot, content)
  local run = runs[#runs]
  if not run or run.seen ~= seen or run.first + #run ~= slot then
    run = { seen = seen, first = slot }
    runs[#runs + 1] = run
  end
  run[#run + 1] = content
end

local function add(key, category, amount)
  counted = counted + 1
  local id = key * #categories + category
  if not amounts[id] then
    ids[#ids + 1], amounts[id] = id, 0
    fields[#fields + 1] = names[key + 1] .. '_' .. categories[category + 1]
  end
  amounts[id] = amounts[id] + amount
  if not counts[key] then
    touched[#touched + 1], counts[key], sums[key] = key, 0, 0
  end
  counts[key], sums[key] = counts[key] + 1, sums[key] + amount
  extremes.min[key] = math.min(extremes.min[key] or amount, amount)
  extremes.max[key] = math.max(extremes.max[key] or amount, amount)
end

for block, rows in ipairs(blocks) do
  local seen, other, before = KEYS[2 * block + 3], KEYS[2 * block + 4], counted
  local first, last = struct.unpack('<I2', rows), struct.unpack('<I2', rows, #rows - ROW_BYTES + 1)
  local known = redis.call('GETRANGE', seen, first * 8, last * 8 + 7)
  local previous, there
  for at = 1, #rows, ROW_BYTES do
    local slot, content, key, category, amount = struct.unpack(ROW, rows, at)
    if slot ~= previous then
      previous, there = slot, known:sub((slot - first) * 8 + 1, (slot - first) * 8 + 8)
    end
    if there == '' or there == NONE then
      there = content
      remember(seen, slot, content)
      add(key, category, amount)
    elseif there ~= content then
      local member = struct.pack('<I2', slot) .. content
      if redis.call('SISMEMBER', other, member) == 0 then
        others[#others + 1] = { other, member }
        add(key, category, amount)
      end
    end
  end
  if counted > before then
    -- What stands behind `seen:`, where `keys` has its last word.
    changed[#changed + 1] = seen:sub(#keys - #'keys' + #'seen:' + 1)
  end
end
if counted == 0 then
  return 0
end

-- The first of the fields that nothing can be added to.
local function unfit(hash, fields, max)
  for at, text in ipairs(redis.call('HMGET', hash, unpack(fields))) do
    local number = text == false or text == '0' or text:find('^-?[1-9]%d*$')
    if not number or math.abs(tonumber(text or 0)) > max then
      return redis.error_reply('MANAZIR ' .. hash .. ' ' .. fields[at] .. ' is no whole number, or too large')
    end
  end
end

local function column(number)
  local fields = {}
  for at, key in ipairs(touched) do
    fields[at] = names[key + 1] .. '_' .. columns[number]
  end
  return fields
end
local count_fields, sum_fields, mean_fields
local refused = unfit(table_, fields, SUM_MAX)
if totals then
  count_fields, sum_fields, mean_fields = column(1), column(2), column(3)
  refused = refused or unfit(totals, count_fields, COUNT_MAX) or unfit(totals, sum_fields, SUM_MAX)
  for number in ipairs(more) do
    refused = refused or unfit(totals, column(3 + number), AMOUNT_MAX)
  end
end
if refused then
  return refused
end
redis.call('ZCARD', keys) -- Ends here if it is none.
redis.call('ZCARD', index)

local change = redis.call('INCR', changes)
local scores = {}
for at, block in ipairs(changed) do
  scores[2 * at - 1], scores[2 * at] = change, block
end
redis.call('ZADD', index, unpack(scores))

for _, run in ipairs(runs) do
  redis.call('SETRANGE', run.seen, run.first * 8, table.concat(run))
end
for _, other in ipairs(others) do
  redis.call('SADD', other[1], other[2])
end

local members = {}
for at, key in ipairs(touched) do
  members[2 * at - 1], members[2 * at] = 0, names[key + 1]
end
if redis.call('ZADD', keys, unpack(members)) > 0 then
  for _, key in ipairs(touched) do
    for _, category in ipairs(categories) do
      redis.call('HSETNX', table_, names[key + 1] .. '_' .. category, 0)
    end
  end
end

local function text(number)
  return string.format('%.0f', number)
end
for at, id in ipairs(ids) do
  redis.call('HINCRBY', table_, fields[at], text(amounts[id]))
end
if not totals then
  return counted
end

-- sum / count with six digits behind the point, half away from zero: by hand, six digits at a time, for a sum may have
-- more digits than a double.
local function mean(sum, count)
  local sign, digits = sum:match('^(-?)(%d+)$')
  digits = string.rep('0', -#digits % 6) .. digits .. '000000'
  local rest, groups = 0, {}
  for at = 1, #digits, 6 do
    rest = rest * 1000000 + tonumber(digits:sub(at, at + 5))
    groups[#groups + 1] = math.floor(rest / count)
    rest = rest % count
  end
  local at = #groups
  if rest * 2 >= count then
    groups[at] = groups[at] + 1
  end
  while groups[at] == 1000000 do
    groups[at], groups[at - 1] = 0, groups[at - 1] + 1
    at = at - 1
  end
  for at, group in ipairs(groups) do
    groups[at] = string.format('%06d', group)
  end
  local whole = table.concat(groups, '', 1, #groups - 1):gsub('^0+(%d)', '%1')
  local value = whole .. '.' .. groups[#groups]
  return value == '0.000000' and value or sign .. value
end

local means = {}
for at, key in ipairs(touched) do
  counts[key] = redis.call('HINCRBY', totals, count_fields[at], counts[key])
  redis.call('HINCRBY', totals, sum_fields[at], text(sums[key]))
end
for at, sum in ipairs(redis.call('HMGET', totals, unpack(sum_fields))) do
  means[2 * at - 1], means[2 * at] = mean_fields[at], mean(sum, counts[touched[at]])
end
redis.call('HSET', totals, unpack(means))
for number, which in ipairs(more) do
  local further, values = column(3 + number), {}
  for at, there in ipairs(redis.call('HMGET', totals, unpack(further))) do
    local new = extremes[which][touched[at]]
    if there then
      new = math[which](new, tonumber(there))
    end
    values[2 * at - 1], values[2 * at] = further[at], text(new)
  end
  redis.call('HSET', totals, unpack(values))
end
return counted
