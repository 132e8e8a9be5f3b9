-- Asks for the paths of a file, each thread from a place of its own, and says what came of it as one line of JSON.

local paths = {}
local threads = {}
local at = 0

function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

function init(arguments)
  for line in io.lines(arguments[1]) do
    paths[#paths + 1] = line
  end
  math.randomseed(number)
  at = math.random(#paths)
  refused = 0
end

function request()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end

function response(status)
  if status ~= 200 then
    refused = refused + 1
  end
end

function done(summary, latency)
  local errors = summary.errors
  local refusals = 0
  for _, thread in ipairs(threads) do
    refusals = refusals + thread:get("refused")
  end
  local failed = refusals + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('{"rate": %.1f, "p50_ms": %.3f, "p99_ms": %.3f, "failed": %d}\n',
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed))
end
