// SPDX-License-Identifier: ISC
//
// run.js PHASE - compare real answers of a running service with
// doc/openapi.json.
//
//	serve     every operation as it is meant, and each fault of a client
//	full      no room: 507
//	broken    nginx cannot keep a body: 500
//	busy      more connections than one address may have: 503
//	late      no worker answers: 504
//	down      no service listens: 502
//	coverage  each status that is described was seen
//
// Each phase is one process, so that the script around it can stop and start
// the service. Environment: PORT, DOCUMENT, SEEN (a file to which phases add).
"use strict";

const fs = require("node:fs");
const { Document } = require("./document");
const { check, send, form, json, stall } = require("./client");

const UNKNOWN = "00000000-0000-4000-8000-000000000000";
const DIGEST = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:";
// The settings of tests/e2e/88-openapi.sh.
const MAX_CONTENT = 100000;
const MAX_JSON = 60000;

const document = new Document(process.env.DOCUMENT);
const BASES = ["", "/api/v1"];

const create = (more) => json({ workflow_id: "w", artifact_type: "plan",
	title: "t", content: "hello", ...more });
const upload = (data, file) => form([["file",
	{ filename: "f.txt", type: "text/plain", data, ...file }]]);

// Headers that a client sends have to be described as parameters.
function judgeAsked(operation, { headers = {} }) {
	const names = new Set(document.parameters(operation)
		.map(({ name }) => name.toLowerCase()));
	return Object.keys(headers).map((name) => name.toLowerCase())
		.filter((name) => !["content-type", "content-range",
			"content-encoding"].includes(name) && !names.has(name))
		.map((name) => `the header ${name} is no parameter of it`);
}

// One request; what is wrong with its answer is said, with the status.
async function ask(status, method, target, more = {}) {
	const text = `${method} ${target.slice(0, 60)}: ${status}`;
	const answer = await send(method, target, more);
	const operation = document.find(method, target);
	const complaints = document.judge(method, target, answer);
	if (answer.status !== status)
		complaints.push(`it was ${answer.status}: ` +
			answer.body.toString("utf8").slice(0, 300));
	if (operation)
		complaints.push(...judgeAsked(operation, more));
	if (operation && answer.status < 300 && more.body !== undefined &&
		more.headers?.["Content-Type"] === "application/json")
		complaints.push(...document.judgeSent(operation,
			"application/json", more.body));
	check(text, complaints);
	return answer;
}

// The same below each base; the last answer.
async function askBoth(status, method, target, more) {
	let answer;
	for (const base of BASES)
		answer = await ask(status, method, base + target, more);
	return answer;
}

const parse = (answer) => JSON.parse(answer.body.toString("utf8"));

// ---- serve

async function creates() {
	let { id } = parse(await askBoth(201, "POST", "/artifacts", create()));
	await askBoth(201, "POST", "/artifacts", create({ phase_id: "p",
		session_id: "s", content_type: "text/plain" }));
	await askBoth(201, "POST", "/artifacts", create({ phase_id: null }));
	const file = form([["workflow_id", "w"], ["artifact_type", "t"],
		["file", { filename: "r.bin", data: "\u0001" }]]);
	await askBoth(201, "POST", "/artifacts", file);
	const keyed = create();
	keyed.headers["Idempotency-Key"] = "once";
	await askBoth(201, "POST", "/artifacts", keyed);
	const made = parse(await askBoth(201, "POST", "/artifacts", keyed));
	await ask(200, "DELETE", `/artifacts/${made.id}`);
	await askBoth(201, "POST", "/artifacts", keyed);
	const other = create({ title: "another" });
	other.headers["Idempotency-Key"] = "once";
	await askBoth(422, "POST", "/artifacts", other);
	return id;
}

async function refusedCreates() {
	const bad = create();
	bad.headers["Content-Digest"] = DIGEST;
	await askBoth(400, "POST", "/artifacts", bad);
	for (const member of ["content", "artifact_type"])
		await askBoth(400, "POST", "/artifacts", create({ [member]: "" }));
	await askBoth(400, "POST", "/artifacts",
		{ ...json(""), body: Buffer.from('{"a":"\xff"}', "latin1") });
	await askBoth(400, "POST", "/artifacts", { body: "x", headers:
		{ "Content-Type": "multipart/form-data" } });
	await askBoth(413, "POST", "/artifacts",
		create({ content: "x".repeat(MAX_JSON) }));
	await askBoth(413, "POST", "/artifacts", form([["workflow_id", "w"],
		["artifact_type", "t"], ["file",
			{ filename: "f", data: "x".repeat(MAX_CONTENT + 1) }]]));
	for (const body of [{}, { extra: 1 }, { title: 1 }, null, [],
		{ title: "x".repeat(2000) }, '{"title":"\\ud800"}', "{"])
		await askBoth(422, "POST", "/artifacts", json(body));
	await askBoth(422, "POST", "/artifacts");
	await askBoth(422, "POST", "/artifacts", form([["file", "text"]]));
}

async function lists() {
	for (const method of ["GET", "HEAD"]) {
		for (const query of ["", "?workflow_id=w&phase_id=p" +
			"&artifact_type=PLAN&session_id=s", "?limit=200", "?limit=1"])
			await askBoth(200, method, `/artifacts${query}`);
		for (const query of ["limit=0", "limit=201", "limit=x",
			"cursor=x"])
			await askBoth(422, method, `/artifacts?${query}`);
	}
	const page = await ask(200, "GET", "/artifacts?limit=1");
	const next = /^<([^>]*)>; rel="next"$/.exec(page.headers.link);
	check("a page of many has a Link", next ? [] : [page.headers.link]);
	await ask(200, "GET", next[1]);
}

// A first character that two ids have: of 17 there are two.
async function ambiguous() {
	for (let i = 0; i < 17; i++)
		await send("POST", "/artifacts", create());
	const first = parse(await send("GET", "/artifacts"))
		.map(({ id }) => id[0]);
	return first.find((letter, i) => first.indexOf(letter) !== i);
}

async function reads(id, several) {
	for (const method of ["GET", "HEAD"]) {
		for (const suffix of ["", "/content", "/raw"]) {
			const target = `/artifacts/${id}${suffix}`;
			const { headers } = await askBoth(200, method, target);
			await askBoth(304, method, target,
				{ headers: { "If-None-Match": headers.etag } });
			await askBoth(200, method, target,
				{ headers: { "If-Match": headers.etag } });
			await askBoth(412, method, target,
				{ headers: { "If-Match": '"no"' } });
			await askBoth(404, method, `/artifacts/no${suffix}`);
			await askBoth(409, method,
				`/artifacts/${several}${suffix}`);
		}
		for (const query of ["false", "on"])
			await askBoth(200, method,
				`/artifacts/${id}?include_content=${query}`);
		await askBoth(422, method, `/artifacts/${id}?include_content=x`);
	}
	await askBoth(200, "GET", `/artifacts/${id.slice(0, 20)}`);
}

async function ranges(id) {
	const target = `/artifacts/${id}/raw`;
	const range = (text) => ({ headers: { Range: text } });
	let { headers } = await ask(200, "GET", target);
	// It is said when its second is over.
	for (let i = 0; i < 40 && !headers["last-modified"]; i++) {
		await new Promise((done) => setTimeout(done, 50));
		({ headers } = await ask(200, "GET", target));
	}
	for (const method of ["GET", "HEAD"])
		await askBoth(412, method, target, { headers:
			{ "If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT" } });
	await askBoth(206, "GET", target, range("bytes=1-2"));
	await askBoth(206, "GET", target, { headers:
		{ Range: "bytes=1-", "If-Range": headers.etag } });
	await askBoth(416, "GET", target, range("bytes=1000000-"));
	await askBoth(200, "HEAD", target, range("bytes=1-2"));
	await askBoth(304, "GET", target, { headers:
		{ "If-Modified-Since": headers["last-modified"] } });
}

async function updates(id) {
	const target = `/artifacts/${id}`;
	const { headers } = await ask(200, "GET", target);
	const change = json({ title: "new", metadata: { a: 1.50, b: [null] },
		is_primary_deliverable: false, derived_from: [UNKNOWN] });
	change.headers["If-Match"] = headers.etag;
	await ask(200, "PUT", target, change);
	await askBoth(412, "PUT", target, change);
	await askBoth(200, "PUT", target, json({}));
	await ask(200, "GET", target);
	await askBoth(404, "PUT", `/artifacts/${UNKNOWN}`, json({}));
	await askBoth(404, "PUT", `/artifacts/${id.slice(0, 8)}`, json({}));
	await askBoth(413, "PUT", target,
		json({ metadata: { a: "x".repeat(MAX_JSON) } }));
	for (const body of [{ title: null }, { metadata: [] }, { extra: 1 },
		{ is_primary_deliverable: 1 }, { derived_from: {} },
		{ derived_from: ["x"] }, { derived_from: [UNKNOWN, 1] },
		{ derived_from: Array(257).fill(UNKNOWN) },
		'{"metadata":{"a":1e400}}',
		Object.fromEntries(Array.from({ length: 128 },
			(_, i) => [`u${i}`, 1]))])
		await askBoth(422, "PUT", target, json(body));
}

async function uploads(id, several) {
	const target = `/artifacts/${id}`;
	const wrong = { headers: { "If-Match": '"no"' } };
	const stale = upload("x");
	stale.headers["If-Match"] = '"no"';
	await askBoth(200, "POST", `${target}/upload`, upload("new"));
	await askBoth(200, "PUT", `${target}/raw`, { body: "newer",
		headers: { "Content-Type": "text/plain" } });
	await askBoth(200, "PUT", `${target}/raw`, { body: "" });
	await ask(200, "GET", target);
	await askBoth(412, "POST", `${target}/upload`, stale);
	await askBoth(412, "PUT", `${target}/raw`, { body: "x", ...wrong });
	for (const headers of [{ "If-None-Match": "*" },
		{ "If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT" }])
		await askBoth(412, "PUT", `${target}/raw`, { body: "x", headers });
	await askBoth(404, "POST", "/artifacts/no/upload", upload("x"));
	await askBoth(404, "PUT", `/artifacts/${UNKNOWN}/raw`, { body: "x" });
	await askBoth(409, "POST", `/artifacts/${several}/upload`, upload("x"));
	const large = "x".repeat(MAX_CONTENT + 1);
	await askBoth(413, "POST", `${target}/upload`, upload(large));
	await askBoth(413, "PUT", `${target}/raw`, { body: large });
	await askBoth(422, "POST", `${target}/upload`, form([]));
	await askBoth(422, "POST", `${target}/upload`, form([["file", "x"]]));
	await askBoth(422, "PUT", `${target}/raw`, { body: "x",
		headers: { "Content-Type": `text/${"x".repeat(300)}` } });
	await askBoth(400, "POST", `${target}/upload`,
		upload("x", { headers: { "Repr-Digest": DIGEST } }));
	for (const name of ["Content-Digest", "Repr-Digest"])
		await askBoth(400, "PUT", `${target}/raw`,
			{ body: "x", headers: { [name]: DIGEST } });
	await askBoth(400, "PUT", `${target}/raw`, { body: "x",
		headers: { "Content-Range": "bytes 0-0/2" } });
	await askBoth(400, "PUT", `${target}/raw`, upload("x"));
	await askBoth(411, "PUT", `${target}/raw`,
		{ headers: { "Content-Type": "text/plain" } });
}

// Bytes in a coding would be taken for the content.
async function coded(id) {
	const target = `/artifacts/${id}`;
	const zipped = (more) => ({ ...more,
		headers: { ...more.headers, "Content-Encoding": "gzip" } });
	await askBoth(415, "POST", "/artifacts", zipped(create()));
	await askBoth(415, "PUT", target, zipped(json({})));
	await askBoth(415, "PUT", `${target}/raw`, zipped({ body: "x" }));
	await askBoth(415, "POST", `${target}/upload`, zipped(upload("x")));
	await askBoth(415, "POST", `${target}/upload`,
		upload("x", { headers: { "Content-Encoding": "gzip" } }));
	await askBoth(200, "POST", `${target}/upload`,
		upload("x", { headers: { "Content-Encoding": "identity" } }));
}

async function deletes(id) {
	const target = `/artifacts/${id}`;
	await askBoth(412, "DELETE", target, { headers: { "If-Match": '"x"' } });
	await askBoth(412, "DELETE", target, { headers: { "If-None-Match": "*" } });
	await ask(200, "DELETE", target);
	await askBoth(404, "DELETE", target);
	await askBoth(404, "DELETE", `/artifacts/${id.slice(0, 8)}`);
	const { headers } = await ask(201, "POST", "/artifacts", create());
	await ask(200, "DELETE", `/api/v1${headers.location}`);
}

// A path to try an operation with.
function targetOf({ base, path }) {
	return base + path.replace("{artifact_id}", UNKNOWN);
}

// The methods that an operation describes.
function verbsOf({ method }) {
	return method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()];
}

async function services() {
	for (const { method, path, base } of document.operations())
		if (!path.includes("{") && method === "get")
			for (const verb of ["GET", "HEAD"])
				await ask(200, verb, base + path);
	const answer = await ask(200, "GET", "/openapi.json");
	check("the description that is served is this one",
		JSON.stringify(parse(answer)) === JSON.stringify(document.root)
			? [] : ["it is another"]);
	for (const method of ["GET", "HEAD"]) {
		await ask(200, method, "/readyz?verbose");
		await ask(403, method, "/metrics", { from: "127.0.0.2" });
	}
	await askBoth(307, "GET", "/artifacts/?limit=1");
	await askBoth(404, "GET", "/nothing");
	await askBoth(405, "PATCH", "/artifacts");
	// Whatever the operation, nobody can say which of the two counts.
	for (const operation of document.operations())
		for (const verb of verbsOf(operation)) {
			const target = targetOf(operation);
			const answer = await send(verb, target,
				{ headers: { "Idempotency-Key": ["a", "b"] } });
			check(`${verb} ${target}: a header sent twice is 400`, [
				...document.judge(verb, target, answer),
				...(answer.status === 400
					? [] : [`it was ${answer.status}`])]);
		}
}

async function serve() {
	check("the description is OpenAPI 3.1", document.faults());
	const id = await creates();
	await refusedCreates();
	await lists();
	const several = await ambiguous();
	await reads(id, several);
	await ranges(id);
	await updates(id);
	await uploads(id, several);
	await coded(id);
	await deletes(id);
	await services();
}

// ---- the other phases

async function full() {
	const [{ id }] = parse(await ask(200, "GET", "/artifacts?limit=1"));
	await askBoth(507, "POST", "/artifacts", create());
	await askBoth(507, "POST", `/artifacts/${id}/upload`, upload("x"));
	await askBoth(507, "PUT", `/artifacts/${id}/raw`, { body: "x" });
	await askBoth(507, "PUT", `/artifacts/${id}`,
		json({ metadata: { a: "x".repeat(50000) } }));
	await ask(200, "GET", `/artifacts/${id}`);
	for (const suffix of ["", "?verbose"])
		await ask(503, "GET", `/readyz${suffix}`);
	await ask(503, "HEAD", "/readyz");
	await ask(200, "DELETE", `/artifacts/${id}`);
}

async function broken() {
	// More than nginx keeps in memory.
	const body = "x".repeat(90000);
	await askBoth(500, "POST", "/artifacts", { body });
	await askBoth(500, "POST", `/artifacts/${UNKNOWN}/upload`, { body });
	await askBoth(500, "PUT", `/artifacts/${UNKNOWN}/raw`, { body });
	await askBoth(500, "PUT", `/artifacts/${UNKNOWN}`, { body });
}

// The same status for each operation; all at once, for some take a while.
async function everywhere(status) {
	await Promise.all([...document.operations()].flatMap((operation) =>
		verbsOf(operation).map((verb) =>
			ask(status, verb, targetOf(operation)))));
}

async function busy() {
	const stalled = await stall(512);
	await new Promise((resolve) => setTimeout(resolve, 300));
	await everywhere(503);
	stalled.forEach((socket) => socket.destroy());
}

function coverage() {
	const missing = [...document.described()]
		.filter((key) => !document.seen.has(key));
	// A read is 500 where the store is damaged: tests/campaigns/rot.
	check("each described status was seen, but 500 of what sends no body",
		missing.filter((key) => !/^(get|head|delete) .* 500$/.test(key)));
}

const phases = { serve, full, broken, busy, late: () => everywhere(504),
	down: () => everywhere(502), coverage };

async function main(phase) {
	const file = process.env.SEEN;
	if (fs.existsSync(file))
		document.seen = new Set(JSON.parse(fs.readFileSync(file, "utf8")));
	await phases[phase]();
	fs.writeFileSync(file, JSON.stringify([...document.seen]));
}

main(process.argv[2]).catch((error) => {
	check(`${process.argv[2]} ends well`, [error.stack]);
	process.exitCode = 1;
});
