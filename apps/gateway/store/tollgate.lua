#!lua name=tollgate_v1

-- The gateway's atomic operations. Names carry the library's version: a release that changes a
-- function's meaning adds functions beside these, so that old and new nodes can run together.
-- Contract and layout: docs/architecture/gateway.md §3, §4.
--
-- `apps/core/limiter/windows.lua` stands here when the library is loaded: `WINDOW`, `now_ms`, `wait_ms` and
-- `read_window` are its; the platform's own limits count by the same code.

local PERIOD = '<I8I8'       -- period start ms, used
local PERIOD_BYTES = 16
local COUNT = '<I8'
local LIMIT = '<I8I4'        -- max of a window, its length ms
local NOTHING = '\0'           -- a packed value without periods and windows
local KEPT_PERIODS = 4
local IDEMPOTENT_MS = '10000'
local GIVEN_BACK_MS = 86400000

local ALLOWED, REPLAYED, RATE_REFUSED, QUOTA_REFUSED, COLD = 0, 1, 2, 3, 4

-- A packed value: one byte (number of periods), the periods, the windows.
local function unpack_periods(packed)
  local periods = {}
  if not packed then return periods end
  for position = 2, 1 + string.byte(packed, 1) * PERIOD_BYTES, PERIOD_BYTES do
    local start, used = struct.unpack(PERIOD, packed, position)
    periods[#periods + 1] = {start, used}
  end
  return periods
end

local function pack_periods(periods)
  local parts = {string.char(#periods)}
  for _, period in ipairs(periods) do
    parts[#parts + 1] = struct.pack(PERIOD, period[1], period[2])
  end
  return table.concat(parts)
end

local function find_period(periods, start)
  for _, period in ipairs(periods) do
    if period[1] == start then return period end
  end
  return nil
end

-- Find a period's count. Answer it with its position in the packed value; nothing when there is none.
local function find_used(packed, start)
  for position = 2, 1 + string.byte(packed, 1) * PERIOD_BYTES, PERIOD_BYTES do
    local period_start, used = struct.unpack(PERIOD, packed, position)
    if period_start == start then return used, position + PERIOD_BYTES / 2 end
  end
end

-- Answer the event id and time that a mark holds for this key; nothing when it is another key's, or there is none.
local function read_mark(mark, key_id)
  if not mark then return nil end
  local owner, event_id, decided_at = string.match(mark, '^(%S+) (%S+) (%d+)$')
  if owner == key_id then return event_id, decided_at end
end

-- Check and take every limit of some calls of one key, one after the other, each all or nothing.
--
-- KEYS: one per subject: subscription, then key and tenant if limited; then the idempotency mark of each call.
-- ARGV: key id, period start ms or '', quota limit or -1, '1' when hard; the windows, packed: for each subject their number
--       (one byte), and for each its max (8 bytes) and its length in ms (4 bytes);
--       then per call: event id, decision time ms.
-- Answer, per call: {code, ms until a retry may pass, used,
--          number of the window with least left (in the order given; 0 without windows), its rest, its reset ms}
--          and, where the call was taken before, the first event id and decision time.
--
-- Every call runs this, and calls of one key often come together: what they share is read, looked up and written once.
-- It keeps numbers in flat lists instead of building a table per window.
local function take_all(keys, argv, is_peek)
  local now = now_ms()
  local calls = (#argv - 5) / 2
  local subjects = #keys - calls
  local key_id, packed_windows = argv[1], argv[5]

  -- One entry per window, of all subjects in order; lists that begin with some room need not grow.
  local limits, lengths, cells, elapsed = {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}
  local currents, previouses, fading = {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}
  -- One entry per subject: its packed value, where its windows begin in it, and its number of windows.
  local values, firsts, counts = {0}, {0}, {0}
  local windows, position = 0, 1
  for subject = 1, subjects do
    local packed = redis.call('GET', keys[subject]) or NOTHING
    local first = 2 + string.byte(packed, 1) * PERIOD_BYTES
    local count, at = string.byte(packed_windows, position), first
    position = position + 1
    for window = windows + 1, windows + count do
      local limit, length
      limit, length, position = struct.unpack(LIMIT, packed_windows, position)
      local past = now % length
      local cell = (now - past) / length
      local current, previous
      current, previous, at = read_window(packed, first, at, length, cell)
      limits[window], lengths[window], cells[window], elapsed[window] = limit, length, cell, past
      currents[window], previouses[window] = current, previous
      -- What the cell before still weighs, for what the consumer is told.
      fading[window] = math.ceil(previous * (length - past) / length)
    end
    windows = windows + count
    values[subject], firsts[subject], counts[subject] = packed, first, count
  end

  local answers = {}
  local limit, used, used_position = tonumber(argv[3]), 0, nil
  if argv[2] ~= '' then
    local counted
    counted, used_position = find_used(values[1], tonumber(argv[2]))
    if counted then
      used = counted
    elseif limit >= 0 then
      for call = 1, calls do answers[call] = {COLD, 0, 0, 0, 0, 0} end
      return answers
    end
  end
  if argv[4] ~= '1' then limit = -1 end

  local taken = 0
  for call = 1, calls do
    local mark_key, event_id, decided_at = keys[subjects + call], argv[4 + 2 * call], argv[5 + 2 * call]
    local wait = 0
    for window = 1, windows do
      local needed = wait_ms(currents[window], previouses[window], limits[window], lengths[window], elapsed[window])
      if needed > wait then wait = needed end
    end
    local fits = wait == 0 and (limit < 0 or used < limit)
    local mark
    if fits and not is_peek then
      -- It answers the mark that was there, and then sets nothing.
      mark = redis.call('SET', mark_key, key_id .. ' ' .. event_id .. ' ' .. decided_at,
        'NX', 'GET', 'PX', IDEMPOTENT_MS)
    else
      mark = redis.call('GET', mark_key)
    end
    local first_event, first_time = read_mark(mark, key_id)
    local code = ALLOWED
    if first_event then
      code = REPLAYED
    elseif wait > 0 then
      code = RATE_REFUSED
    elseif not fits then
      code = QUOTA_REFUSED
    elseif not is_peek then
      taken = taken + 1
      if used_position then used = used + 1 end
      for window = 1, windows do currents[window] = currents[window] + 1 end
      if mark then
        redis.call('SET', mark_key, key_id .. ' ' .. event_id .. ' ' .. decided_at, 'PX', IDEMPOTENT_MS)
      end
    end
    -- The consumer is told of the window with least left.
    local tightest, least = 0, nil
    for window = 1, windows do
      local left = limits[window] - currents[window] - fading[window]
      if left < 0 then left = 0 end
      if not least or left < least then tightest, least = window, left end
    end
    local reset = tightest > 0 and lengths[tightest] - elapsed[tightest] or 0
    answers[call] = {code, code == RATE_REFUSED and wait or 0, used, tightest, least or 0, reset, first_event, first_time}
  end
  if taken == 0 then return answers end

  local window = 0
  for subject = 1, subjects do
    local packed, first = values[subject], firsts[subject]
    local parts = {string.sub(packed, 1, first - 1)}
    if subject == 1 and used_position then
      parts[1] = string.sub(packed, 1, used_position - 1) .. struct.pack(COUNT, used)
        .. string.sub(packed, used_position + PERIOD_BYTES / 2, first - 1)
    end
    local longest = 0
    for index = 2, counts[subject] + 1 do
      window = window + 1
      local length = lengths[window]
      parts[index] = struct.pack(WINDOW, length, cells[window], currents[window], previouses[window])
      if length > longest then longest = length end
    end
    if first > 2 then
      redis.call('SET', keys[subject], table.concat(parts))  -- quota counters stay until the relay drops them
    elseif longest > 0 then
      redis.call('SET', keys[subject], table.concat(parts), 'PX', 2 * longest)
    end
  end
  return answers
end

-- Answer as `take_all` would, and take nothing.
local function peek_all(keys, argv)
  return take_all(keys, argv, true)
end

-- `take_all` for one call, as nodes of the release before ask it.
--
-- KEYS: the call's idempotency mark; then one key per subject.
-- ARGV: key id, event id, decision time ms, period start ms or '', quota limit or -1, '1' when hard;
--       then per subject: number of windows, and for each its max and its length in ms.
-- Answer: {code, ms until a retry may pass, event id, decision time, used, tightest window, its rest, its reset ms}.
local function take(keys, argv, is_peek)
  local subjects, windows, position = {}, {}, 7
  for subject = 2, #keys do
    subjects[subject - 1] = keys[subject]
    local count = tonumber(argv[position])
    windows[#windows + 1] = string.char(count)
    for at = position + 1, position + 2 * count, 2 do
      windows[#windows + 1] = struct.pack(LIMIT, tonumber(argv[at]), tonumber(argv[at + 1]))
    end
    position = position + 1 + 2 * count
  end
  subjects[#keys] = keys[1]
  local asked = {argv[1], argv[4], argv[5], argv[6], table.concat(windows), argv[2], argv[3]}
  local code, wait, used, tightest, left, reset, event_id, decided_at = unpack(take_all(subjects, asked, is_peek)[1])
  return {code, wait, event_id or argv[2], decided_at or argv[3], used, tightest, left, reset}
end

local function peek(keys, argv)
  return take(keys, argv, true)
end

-- Lease a slice of an API's windows to one authorizer, which spends it by itself.
--
-- KEYS: the API's windows. ARGV: calls wanted, calls given back; then per window its max, its length in ms, and the
--       number of the cell that the calls given back were leased in ('' when there are none).
-- Answer: {calls granted, ms until one more may be had, ms for which the grant holds, cell of each window...}.
--
-- A grant counts in its cell like calls; it holds until the first of its cells ends, so no call is made of it later.
local function lease(keys, argv)
  local now = now_ms()
  local packed = redis.call('GET', keys[1]) or NOTHING
  local granted, returned = tonumber(argv[1]), tonumber(argv[2])
  local windows, holds, at = {}, nil, 2
  for position = 3, #argv, 3 do
    local limit, length = tonumber(argv[position]), tonumber(argv[position + 1])
    local elapsed = now % length
    local cell = (now - elapsed) / length
    local current, previous
    current, previous, at = read_window(packed, 2, at, length, cell)
    local leased_in = tonumber(argv[position + 2])
    if leased_in == cell then current = math.max(0, current - returned) end
    if leased_in == cell - 1 then previous = math.max(0, previous - returned) end
    local free = math.floor(limit - current - previous * (length - elapsed) / length)
    granted = math.max(0, math.min(granted, free))
    if not holds or length - elapsed < holds then holds = length - elapsed end
    windows[#windows + 1] = {limit, length, cell, elapsed, current, previous}
  end
  local answer, parts, wait, longest = {granted, 0, holds or 0}, {NOTHING}, 0, 0
  for index, window in ipairs(windows) do
    local limit, length, cell, elapsed, current, previous = unpack(window)
    current = current + granted
    wait = math.max(wait, wait_ms(current, previous, limit, length, elapsed))
    longest = math.max(longest, length)
    parts[index + 1] = struct.pack(WINDOW, length, cell, current, previous)
    answer[#answer + 1] = cell
  end
  answer[2] = wait
  if longest > 0 then redis.call('SET', keys[1], table.concat(parts), 'PX', 2 * longest) end
  return answer
end

-- Replace the periods of a subscription's value; its windows stay as they are.
local function store_periods(key, packed, periods)
  local windows = ''
  if packed then windows = string.sub(packed, 2 + string.byte(packed, 1) * PERIOD_BYTES) end
  redis.call('SET', key, pack_periods(periods) .. windows)
end

-- KEYS: counters. ARGV: period start, used. Create the counter unless it exists; answer its value.
local function ensure_counter(keys, argv)
  local packed = redis.call('GET', keys[1])
  local periods = unpack_periods(packed)
  local start = tonumber(argv[1])
  local period = find_period(periods, start)
  if period then return period[2] end
  periods[#periods + 1] = {start, math.max(0, tonumber(argv[2]))}
  table.sort(periods, function(a, b) return a[1] < b[1] end)
  while #periods > KEPT_PERIODS do table.remove(periods, 1) end
  store_periods(keys[1], packed, periods)
  return tonumber(argv[2])
end

-- KEYS: counters. Answer {start, used, start, used, ...}.
local function read_counters(keys)
  local answer = {}
  for _, period in ipairs(unpack_periods(redis.call('GET', keys[1]))) do
    answer[#answer + 1] = period[1]
    answer[#answer + 1] = period[2]
  end
  return answer
end

-- KEYS: counters, optional mark. ARGV: period start, delta. A mark makes it happen once.
-- Answer: used afterwards; -1 when there is no counter.
local function adjust_counter(keys, argv)
  local packed = redis.call('GET', keys[1])
  local periods = unpack_periods(packed)
  local period = find_period(periods, tonumber(argv[1]))
  if not period then return -1 end
  if keys[2] and not redis.call('SET', keys[2], '1', 'NX', 'PX', GIVEN_BACK_MS) then
    return period[2]
  end
  period[2] = math.max(0, period[2] + tonumber(argv[2]))
  store_periods(keys[1], packed, periods)
  return period[2]
end

-- A comparison of counters with what was counted (docs/domain/metering.md, "Drift") reads a counter now and corrects it
-- later by a delta. Whoever corrects it meanwhile ends the comparison, so nothing is corrected twice.

-- KEYS: counters, comparison. ARGV: its id, ms after which it lapses. Begin one; answer {now, start, used, start, used, ...}.
local function open_comparison(keys, argv)
  redis.call('SET', keys[2], argv[1], 'PX', argv[2])
  local answer = read_counters(keys)
  table.insert(answer, 1, now_ms())
  return answer
end

-- KEYS: counters, comparison. ARGV: its id, period start, delta. Correct the counter, once.
-- Answer: used afterwards; -1 when there is no counter, -2 when the comparison has ended.
local function close_comparison(keys, argv)
  if redis.call('GET', keys[2]) ~= argv[1] then return -2 end
  redis.call('DEL', keys[2])
  return adjust_counter({keys[1]}, {argv[2], argv[3]})
end

-- KEYS: counters, comparison. ARGV: period start, what it must be at least.
-- Answer: used afterwards; -1 when there is no counter.
local function raise_counter(keys, argv)
  local packed = redis.call('GET', keys[1])
  local periods = unpack_periods(packed)
  local period = find_period(periods, tonumber(argv[1]))
  if not period then return -1 end
  local least = tonumber(argv[2])
  if period[2] < least then
    period[2] = least
    store_periods(keys[1], packed, periods)
    redis.call('DEL', keys[2])
  end
  return period[2]
end

local function read_head(key)
  local head = redis.call('HMGET', key, 'epoch', 'version')
  return head[1] or '', head[2] or ''
end

-- KEYS: head, entries, stream. ARGV: epoch, version, changes for the stream, stream bound,
-- then pairs field, entry ('' deletes). Answer: {result, epoch, version of the head before}.
local function apply_changes(keys, argv)
  local epoch, version = read_head(keys[1])
  if epoch == '' then return {'missing', '', ''} end
  if epoch ~= argv[1] then return {'other_epoch', epoch, version} end
  local held, wanted = tonumber(version), tonumber(argv[2])
  if held == wanted then return {'unchanged', epoch, version} end
  if held > wanted then return {'backwards', epoch, version} end
  for index = 5, #argv, 2 do
    if argv[index + 1] == '' then
      redis.call('HDEL', keys[2], argv[index])
    else
      redis.call('HSET', keys[2], argv[index], argv[index + 1])
    end
  end
  redis.call('XADD', keys[3], 'MAXLEN', '~', argv[4], argv[2] .. '-0', 'prev', version, 'changes', argv[3])
  redis.call('HSET', keys[1], 'version', argv[2])
  return {'applied', epoch, version}
end

-- KEYS: head, entries, stream, staging. ARGV: epoch, version, number of staged entries.
local function swap_registry(keys, argv)
  local epoch, version = read_head(keys[1])
  if version ~= '' and tonumber(version) > tonumber(argv[2]) then return {'backwards', epoch, version} end
  if redis.call('HLEN', keys[4]) ~= tonumber(argv[3]) then return {'incomplete', epoch, version} end
  redis.call('DEL', keys[2], keys[3])
  if argv[3] ~= '0' then
    redis.call('RENAME', keys[4], keys[2])
    redis.call('PERSIST', keys[2])
  end
  redis.call('DEL', keys[1])
  redis.call('HSET', keys[1], 'epoch', argv[1], 'version', argv[2])
  return {'applied', epoch, version}
end

-- KEYS: head, nodes. ARGV: node, report, lease ms. Store the report under a lease; answer the head.
local function report_node(keys, argv)
  local epoch, version = read_head(keys[1])
  local expires_at = string.format('%d', now_ms() + tonumber(argv[3]))
  redis.call('HSET', keys[2], argv[1], expires_at .. ' ' .. argv[2])
  return {epoch, version}
end

-- KEYS: nodes. ARGV: age in ms after which an ended lease is forgotten. Answer {now, node, report, ...}.
local function list_nodes(keys, argv)
  local now = now_ms()
  local answer = {string.format('%d', now)}
  local rows = redis.call('HGETALL', keys[1])
  for index = 1, #rows, 2 do
    local expires_at = tonumber(string.match(rows[index + 1], '^%d+'))
    if expires_at + tonumber(argv[1]) < now then
      redis.call('HDEL', keys[1], rows[index])
    else
      answer[#answer + 1] = rows[index]
      answer[#answer + 1] = rows[index + 1]
    end
  end
  return answer
end

redis.register_function('tg1_take_all', take_all)
redis.register_function('tg1_peek_all', peek_all)
redis.register_function('tg1_take', take)
redis.register_function('tg1_peek', peek)
redis.register_function('tg1_lease', lease)
redis.register_function('tg1_ensure_counter', ensure_counter)
redis.register_function('tg1_read_counters', read_counters)
redis.register_function('tg1_adjust_counter', adjust_counter)
redis.register_function('tg1_open_comparison', open_comparison)
redis.register_function('tg1_close_comparison', close_comparison)
redis.register_function('tg1_raise_counter', raise_counter)
redis.register_function('tg1_apply', apply_changes)
redis.register_function('tg1_swap', swap_registry)
redis.register_function('tg1_report', report_node)
redis.register_function('tg1_nodes', list_nodes)
