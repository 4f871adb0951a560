#!lua name=tollgate_v1

-- The gateway's atomic operations. Names carry the library's version: a release that changes a
-- function's meaning adds functions beside these, so that old and new nodes can run together.
-- Contract and layout: docs/architecture/gateway.md §3, §4.

local WINDOW = '<I4I4I4I4'   -- length ms, cell number, calls in this cell, calls in the one before
local WINDOW_BYTES = 16
local PERIOD = '<I8I8'       -- period start ms, used
local PERIOD_BYTES = 16
local KEPT_PERIODS = 4
local IDEMPOTENT_MS = 10000
local GIVEN_BACK_MS = 86400000

local ALLOWED, REPLAYED, RATE_REFUSED, QUOTA_REFUSED, COLD = 0, 1, 2, 3, 4

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- A packed value: one byte (number of periods), the periods, the windows.
local function unpack_value(packed)
  local periods, windows = {}, {}
  if not packed then return periods, windows end
  local count, position = string.byte(packed, 1), 2
  for _ = 1, count do
    local start, used = struct.unpack(PERIOD, packed, position)
    periods[#periods + 1] = {start, used}
    position = position + PERIOD_BYTES
  end
  while position <= #packed do
    local length, cell, current, previous = struct.unpack(WINDOW, packed, position)
    windows[length] = {cell, current, previous}
    position = position + WINDOW_BYTES
  end
  return periods, windows
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

-- Move a window to the present cell.
local function roll(window, cell)
  if not window then return {cell, 0, 0} end
  if window[1] == cell then return window end
  if window[1] == cell - 1 then return {cell, 0, window[2]} end
  return {cell, 0, 0}
end

-- How long until one more call fits, in ms; 0 when it fits now.
local function wait_ms(window, limit, length, elapsed)
  local current, previous = window[2], window[3]
  if previous * (length - elapsed) + (current + 1) * length <= limit * length then return 0 end
  if limit < 1 then return length end
  if current + 1 <= limit then
    return math.ceil(length - elapsed - (limit - current - 1) * length / previous)
  end
  -- This cell alone is full: it must become the previous one and then fade enough.
  return math.ceil(length - elapsed + length - (limit - 1) * length / current)
end

-- Read the windows of one subject. Limits come as pairs (max, length in ms) at `position`.
local function read_windows(subject, argv, position, count, now)
  for _ = 1, count do
    local limit, length = tonumber(argv[position]), tonumber(argv[position + 1])
    local window = roll(subject.windows[length], math.floor(now / length))
    local elapsed = now % length
    subject.checks[#subject.checks + 1] = {
      limit = limit, length = length, window = window, elapsed = elapsed,
      wait = wait_ms(window, limit, length, elapsed),
    }
    position = position + 2
  end
  return position
end

local function write_subject(key, subject)
  local parts = {pack_periods(subject.periods)}
  local longest = 0
  for _, check in ipairs(subject.checks) do
    local window = check.window
    parts[#parts + 1] = struct.pack(WINDOW, check.length, window[1], window[2], window[3])
    if check.length > longest then longest = check.length end
  end
  local packed = table.concat(parts)
  if #subject.periods > 0 then
    redis.call('SET', key, packed)          -- quota counters stay until the relay drops them
  elseif longest > 0 then
    redis.call('SET', key, packed, 'PX', 2 * longest)
  end
end

local function reply(code, state, event_id, decided_at, used)
  local answer = {code, state, event_id, decided_at, used}
  return answer
end

local function append_windows(answer, subjects)
  for _, subject in ipairs(subjects) do
    for _, check in ipairs(subject.checks) do
      local window = check.window
      local left = check.limit - window[2]
        - math.ceil(window[3] * (check.length - check.elapsed) / check.length)
      answer[#answer + 1] = math.max(0, left)
      answer[#answer + 1] = check.length - check.elapsed
    end
  end
  return answer
end

-- Check and take every limit of one call, all or nothing.
--
-- KEYS: the call's idempotency mark; then one key per subject: subscription, then key and tenant if limited.
-- ARGV: key id, event id, decision time ms, period start ms or '', quota limit or -1, '1' when hard;
--       then per subject: number of windows, and for each its max and its length in ms.
-- Answer: {code, retry ms (or the refusing wait), event id, decision time, used,
--          remaining and reset ms of each window in the order given}.
local function take(keys, argv)
  local now = now_ms()
  local mark = redis.call('GET', keys[1])
  local event_id, decided_at, replayed = argv[2], argv[3], false
  if mark then
    local key_id, first_event, first_time = string.match(mark, '^(%S+) (%S+) (%d+)$')
    if key_id == argv[1] then
      event_id, decided_at, replayed = first_event, first_time, true
    end
  end

  local subjects, position, wait = {}, 7, 0
  for index = 2, #keys do
    local subject = {checks = {}}
    subject.periods, subject.windows = unpack_value(redis.call('GET', keys[index]))
    local count = tonumber(argv[position])
    position = read_windows(subject, argv, position + 1, count, now)
    for _, check in ipairs(subject.checks) do
      if check.wait > wait then wait = check.wait end
    end
    subjects[#subjects + 1] = subject
  end

  local limit, used, period = tonumber(argv[5]), 0, nil
  if argv[4] ~= '' then
    period = find_period(subjects[1].periods, tonumber(argv[4]))
    if period then
      used = period[2]
    elseif limit >= 0 then
      return reply(COLD, 0, event_id, decided_at, 0)
    end
  end
  if replayed then
    return append_windows(reply(REPLAYED, 0, event_id, decided_at, used), subjects)
  end
  if wait > 0 then
    return append_windows(reply(RATE_REFUSED, wait, event_id, decided_at, used), subjects)
  end
  if argv[6] == '1' and limit >= 0 and used >= limit then
    return append_windows(reply(QUOTA_REFUSED, 0, event_id, decided_at, used), subjects)
  end

  if period then
    period[2] = used + 1
    used = used + 1
  end
  for index, subject in ipairs(subjects) do
    for _, check in ipairs(subject.checks) do
      check.window[2] = check.window[2] + 1
    end
    write_subject(keys[index + 1], subject)
  end
  redis.call('SET', keys[1], argv[1] .. ' ' .. event_id .. ' ' .. decided_at, 'PX', IDEMPOTENT_MS)
  return append_windows(reply(ALLOWED, 0, event_id, decided_at, used), subjects)
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
  local periods = unpack_value(packed)
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
  for _, period in ipairs((unpack_value(redis.call('GET', keys[1])))) do
    answer[#answer + 1] = period[1]
    answer[#answer + 1] = period[2]
  end
  return answer
end

-- KEYS: counters, optional mark. ARGV: period start, delta. A mark makes it happen once.
-- Answer: used afterwards; -1 when there is no counter.
local function adjust_counter(keys, argv)
  local packed = redis.call('GET', keys[1])
  local periods = unpack_value(packed)
  local period = find_period(periods, tonumber(argv[1]))
  if not period then return -1 end
  if keys[2] and not redis.call('SET', keys[2], '1', 'NX', 'PX', GIVEN_BACK_MS) then
    return period[2]
  end
  period[2] = math.max(0, period[2] + tonumber(argv[2]))
  store_periods(keys[1], packed, periods)
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

redis.register_function('tg1_take', take)
redis.register_function('tg1_ensure_counter', ensure_counter)
redis.register_function('tg1_read_counters', read_counters)
redis.register_function('tg1_adjust_counter', adjust_counter)
redis.register_function('tg1_apply', apply_changes)
redis.register_function('tg1_swap', swap_registry)
redis.register_function('tg1_report', report_node)
redis.register_function('tg1_nodes', list_nodes)
