-- Asks for the paths of a file, each thread from a place of its own, and says what came of it as one line of JSON.
--
-- Costs the machine as little as it can, which is also the machine of what is measured: requests are made beforehand,
-- and with a function `response` wrk would copy every answer for it.

local requests = {}
local at = 0
local count = 0

function setup(thread)
  count = count + 1
  thread:set("number", count)
end

function init(arguments)
  for path in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
  math.randomseed(number)
  at = math.random(#requests)
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  -- `status`: 400 and above. Nothing redirects, and nobody asks for what they have already.
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('{"rate": %.1f, "p50_ms": %.3f, "p99_ms": %.3f, "failed": %d}\n',
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed))
end
