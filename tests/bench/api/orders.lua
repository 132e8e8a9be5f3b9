-- Places an order for each cart of a file, each thread for its part of them, and says what came of it as one line of
-- JSON.

local threads = {}
local carts = {}
local at = 0

function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

function init(arguments)
  for line in io.lines(arguments[1]) do
    local token, total = line:match("(%S+) (%d+)")
    carts[#carts + 1] = { token = token, total = total }
  end
  at, origin = number, arguments[2]
  acknowledged, refused, example = 0, 0, ""
end

function request()
  local cart = carts[at]
  if cart == nil then
    -- All are served: this thread has done its part.
    return wrk.format("GET", "/livez")
  end
  local body = string.format('{"email":"ada@example.com","shipping_method":"standard",'
    .. '"payment_method":"cash_on_delivery","expected_total_minor":%s,"address":{"name":"Ada Tan",'
    .. '"line1":"10 Anson Road","city":"Singapore","postal_code":"079903","country":"SG"}}', cart.total)
  local headers = {
    ["content-type"] = "application/json",
    ["idempotency-key"] = string.format("bench-order-%016d", at),
    ["x-cart-token"] = cart.token,
    ["x-origin-verify"] = origin,
  }
  -- Two threads share the file.
  at = at + 2
  return wrk.format("POST", "/api/v1/orders", headers, body)
end

function response(status, headers, body)
  if status == 201 then
    acknowledged = acknowledged + 1
  elseif status == 200 then
    wrk.thread:stop()
  else
    refused = refused + 1
    example = body
  end
end

function done(summary, latency)
  local errors = summary.errors
  local count, failed = 0, errors.connect + errors.read + errors.write + errors.timeout
  for _, thread in ipairs(threads) do
    count = count + thread:get("acknowledged")
    failed = failed + thread:get("refused")
    if thread:get("refused") > 0 then
      io.stderr:write(thread:get("example"), "\n")
    end
  end
  io.write(string.format('{"rate": %.1f, "p50_ms": %.3f, "p99_ms": %.3f, "failed": %d, "acknowledged": %d}\n',
    count / (summary.duration / 1e6), latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed, count))
end
