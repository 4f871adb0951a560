-- Sliding windows: shared by every function library that counts them. Put behind a library's first line.
-- A window is four integers; the estimate weighs the cell before by the part that the window still covers.
-- Contract: docs/architecture/gateway.md §4.

local WINDOW = '<I4I4I4I4'   -- length ms, cell number, calls in this cell, calls in the one before
local WINDOW_BYTES = 16

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- How long until one more call fits, in ms; 0 when it fits now.
local function wait_ms(current, previous, limit, length, elapsed)
  if previous * (length - elapsed) + (current + 1) * length <= limit * length then return 0 end
  if limit < 1 then return length end
  if current + 1 <= limit then
    return math.ceil(length - elapsed - (limit - current - 1) * length / previous)
  end
  -- This cell alone is full: it must become the previous one and then fade enough.
  return math.ceil(length - elapsed + length - (limit - 1) * length / current)
end

-- Read a stored window by its length, from a position on. Answer its cell and counts and the position
-- behind it; nothing when there is none.
local function find_window(packed, position, length)
  while position < #packed do
    local stored, cell, current, previous = struct.unpack(WINDOW, packed, position)
    position = position + WINDOW_BYTES
    if stored == length then return cell, current, previous, position end
  end
end

-- Read the counts of a window in the present cell and the one before.
--
-- Windows lie mostly in the order in which they are asked for, so the search begins behind the last one.
local function read_window(packed, first, position, length, present)
  local cell, current, previous, behind = find_window(packed, position, length)
  if not cell and position > first then
    cell, current, previous, behind = find_window(packed, first, length)
  end
  if cell == present then return current, previous, behind end
  if cell and cell == present - 1 then return 0, current, behind end
  return 0, 0, behind or position
end
