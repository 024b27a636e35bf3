-- The next keys and what the hashes say of each, all of one moment.
--
-- KEYS: the keys that have a row; the hashes.
-- ARGV: behind which key, as ZRANGEBYLEX wants it; how many; of each hash the endings of its fields, behind their number.

local names = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
local answer, argument = { names }, 3
for hash = 2, #KEYS do
  local last, texts = argument + ARGV[argument], {}
  for _, name in ipairs(names) do
    for ending = argument + 1, last do
      texts[#texts + 1] = redis.call('HGET', KEYS[hash], name .. ARGV[ending])
    end
  end
  answer[hash], argument = texts, last + 1
end
return answer
