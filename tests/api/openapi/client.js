// SPDX-License-Identifier: ISC
//
// client.js - requests to nginx, and checks in the form of tests/e2e.
"use strict";

const http = require("node:http");
const net = require("node:net");

const PORT = Number(process.env.PORT);

function check(text, complaints) {
	console.log(`${complaints.length === 0 ? "ok" : "not ok"} - ${text}`);
	for (const complaint of complaints)
		console.log(`# ${complaint}`);
}

// A header whose value is an array is sent once for each. from is the
// address that it comes from.
function send(method, target, { headers = {}, body, from } = {}) {
	const options = { host: "127.0.0.1", port: PORT, method, path: target,
		localAddress: from, agent: false, timeout: 20000,
		headers: { ...headers } };
	if (body !== undefined)
		options.headers["Content-Length"] = Buffer.byteLength(body);
	return new Promise((resolve, reject) => {
		const request = http.request(options, (answer) => {
			const parts = [];
			answer.on("data", (part) => parts.push(part));
			answer.on("error", reject);
			answer.on("end", () => resolve({
				status: answer.statusCode,
				headers: answer.headers,
				body: Buffer.concat(parts),
			}));
		});
		request.on("timeout", () =>
			request.destroy(new Error(`${method} ${target}: silence`)));
		request.on("error", reject);
		// Else a PUT of nothing has a Content-Length of 0.
		if (body === undefined)
			request.useChunkedEncodingByDefault = false;
		request.end(body);
	});
}

// A form of fields and, as { filename, type, data, headers }, files.
function form(parts) {
	const boundary = "5f8a4b";
	let text = "";
	for (const [name, value] of parts) {
		const file = typeof value === "string" ? { data: value } : value;
		text += `--${boundary}\r\nContent-Disposition: form-data; ` +
			`name="${name}"`;
		if (file.filename !== undefined)
			text += `; filename="${file.filename}"`;
		text += "\r\n";
		if (file.type)
			text += `Content-Type: ${file.type}\r\n`;
		for (const [key, header] of Object.entries(file.headers ?? {}))
			text += `${key}: ${header}\r\n`;
		text += `\r\n${file.data}\r\n`;
	}
	return { body: `${text}--${boundary}--\r\n`, headers: {
		"Content-Type": `multipart/form-data; boundary=${boundary}` } };
}

function json(value) {
	return { body: typeof value === "string" ? value : JSON.stringify(value),
		headers: { "Content-Type": "application/json" } };
}

// Connections that each hold a request whose body does not come.
// From addresses of their own, 128 of each: more are nobody's to have.
function stall(count) {
	return Promise.all(Array.from({ length: count }, (_, index) =>
		new Promise((resolve, reject) => {
			const socket = net.connect({ port: PORT, host: "127.0.0.1",
				localAddress: `127.0.0.${2 + (index >> 7)}` }, () =>
				socket.write("POST /artifacts HTTP/1.1\r\nHost: x\r\n" +
					"Content-Length: 10\r\n\r\nhalf",
				() => resolve(socket)));
			socket.on("error", reject);
		})));
}

module.exports = { check, send, form, json, stall };
