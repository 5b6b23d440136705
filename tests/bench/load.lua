-- SPDX-License-Identifier: ISC
-- load.lua - what wrk sends: METHOD, TYPE and BODY (a file) of the
-- environment. The request is built once; wrk sends the same bytes again.
-- WRITES, a number: so many of a hundred requests are that one, the others
-- GET the same path as given.
wrk.method = os.getenv("METHOD") or "GET"
if os.getenv("BODY") then
	local file = io.open(os.getenv("BODY"), "rb")
	wrk.body = file:read("*a")
	file:close()
	wrk.headers["Content-Type"] = os.getenv("TYPE")
end
for name, value in (os.getenv("HEADERS") or ""):gmatch("([^:\n]+): ([^\n]+)") do
	wrk.headers[name] = value
end

-- PAUSE, milliseconds: each client waits so long between two requests.
if os.getenv("PAUSE") then
	function delay()
		return tonumber(os.getenv("PAUSE"))
	end
end

if os.getenv("WRITES") then
	local share = tonumber(os.getenv("WRITES"))
	local count = 0
	function init(args)
		write = wrk.format(nil, os.getenv("WRITE_PATH"))
		read = wrk.format("GET", nil, nil, "")
	end
	function request()
		count = (count + 1) % 100
		return count < share and write or read
	end
end

-- PATHS, a file: a line of it each time, round and round.
if os.getenv("PATHS") then
	local requests, count = {}, 0
	function init(args)
		for path in io.lines(os.getenv("PATHS")) do
			requests[#requests + 1] = wrk.format("GET", path)
		end
	end
	function request()
		count = count % #requests + 1
		return requests[count]
	end
end

-- FOLLOW, a kind of answer that the next request acts on: "delete" deletes
-- what was created, "push" sends a blob to the place that was opened for it
-- (DIGEST, its name).
if os.getenv("FOLLOW") then
	local kind, waiting = os.getenv("FOLLOW"), {}
	function init(args)
		first = wrk.format(nil, nil, nil, kind == "push" and "" or nil)
	end
	function request()
		local found = table.remove(waiting)
		if not found then
			return first
		elseif kind == "delete" then
			return wrk.format("DELETE", wrk.path .. "/" .. found, nil, "")
		end
		return wrk.format("PUT", found .. "&digest=" .. os.getenv("DIGEST"))
	end
	function response(status, headers, body)
		if kind == "delete" then
			waiting[#waiting + 1] = body:match('"id": *"([^"]+)"')
		elseif status == 202 then
			waiting[#waiting + 1] = headers["Location"]:match("//[^/]+(/.*)")
		end
	end
end
