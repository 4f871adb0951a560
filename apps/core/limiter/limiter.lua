#!lua name=tollgate_limiter_v1

-- Limits without money: how often somebody may ask the platform's own API. `windows.lua` stands before this.
-- Contract: docs/operations/rate-limits.md.

-- Check and take every window of one subject, all or nothing.
--
-- KEYS: the subject's packed windows. ARGV: for each window its max and its length in ms.
-- Answer: {1 when taken, ms until a retry may pass, number of the window with least left, its rest, its reset ms}.
local function take(keys, argv)
  local now = now_ms()
  local packed = redis.call('GET', keys[1]) or ''
  local parts, windows, position, wait, longest = {}, {}, 1, 0, 0
  for index = 1, #argv, 2 do
    local limit, length = tonumber(argv[index]), tonumber(argv[index + 1])
    local elapsed = now % length
    local cell = (now - elapsed) / length
    local current, previous
    current, previous, position = read_window(packed, 1, position, length, cell)
    wait = math.max(wait, wait_ms(current, previous, limit, length, elapsed))
    longest = math.max(longest, length)
    windows[#windows + 1] = {limit, length, current, previous, length - elapsed}
    parts[#parts + 1] = struct.pack(WINDOW, length, cell, current + 1, previous)
  end
  local taken = wait == 0 and 1 or 0
  if taken == 1 then
    redis.call('SET', keys[1], table.concat(parts), 'PX', 2 * longest)
  end
  local tightest, least, reset = 0, nil, 0
  for index, window in ipairs(windows) do
    local limit, length, current, previous, rest = unpack(window)
    local left = math.max(0, limit - current - taken - math.ceil(previous * rest / length))
    if not least or left < least then tightest, least, reset = index, left, rest end
  end
  return {taken, wait, tightest, least or 0, reset}
end

redis.register_function('tgl1_take', take)
