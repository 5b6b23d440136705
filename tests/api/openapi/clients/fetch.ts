// SPDX-License-Identifier: ISC
//
// fetch.ts - every operation by openapi-fetch, with openapi-typescript's types.
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/schema";
import { BASE, HASH, ROOT, blob, check, run, same } from "./checks";

const client = createClient<paths>({ baseUrl: BASE });

// A file has the type of a string there, and a form a serializer of its own.
const file = (type?: string) => blob(type) as unknown as string;
function asForm(body: object): FormData {
	const form = new FormData();
	for (const [key, value] of Object.entries(body))
		form.append(key, value as string | Blob);
	return form;
}
const asIs = (body: unknown) => body as BodyInit;

run("openapi-fetch", async () => {
	const body: components["schemas"]["Create"] = { workflow_id: "fetch",
		artifact_type: "plan", title: "t", content: "hello" };
	const created = await client.POST("/artifacts", { body,
		params: { header: { "Idempotency-Key": `fetch-${Date.now()}` } } });
	check("create from JSON", created.response.status === 201 &&
		created.data?.status === "created", created.error);
	const artifact_id = created.data?.id ?? "";
	const path = { artifact_id };

	const sent = await client.POST("/artifacts", { bodySerializer: asForm,
		body: { workflow_id: "fetch", artifact_type: "report", title: "f",
			file: file("image/png") } });
	check("create with a file", sent.response.status === 201, sent.error);
	const stored = await client.GET("/artifacts/{artifact_id}", { params: {
		path: { artifact_id: sent.data?.id ?? "" },
		query: { include_content: false } } });
	check("the file is what was sent", stored.data?.content_hash === HASH &&
		stored.data.content_type === "image/png" &&
		stored.data.content === null, stored.data);

	const list = await client.GET("/artifacts", { params: {
		query: { workflow_id: "fetch", limit: 1 } } });
	check("list", list.data?.[0]?.id === sent.data?.id &&
		list.response.headers.has("Link"), list.data);

	const updated = await client.PUT("/artifacts/{artifact_id}", {
		params: { path }, body: { metadata: { a: [1.5, { b: null }] },
			derived_from: [sent.data?.id ?? ""] } });
	check("update", updated.data?.status === "updated", updated.error);
	const detail = await client.GET("/artifacts/{artifact_id}",
		{ params: { path } });
	const metadata: Record<string, unknown> = detail.data?.metadata ?? {};
	check("detail", JSON.stringify(metadata.a) === '[1.5,{"b":null}]' &&
		detail.data?.content === "hello", detail.data);
	const content = await client.GET("/artifacts/{artifact_id}/content",
		{ params: { path } });
	check("content", content.data?.content === "hello", content.data);

	const put = await client.PUT("/artifacts/{artifact_id}/raw", {
		params: { path }, body: file(), bodySerializer: asIs,
		headers: { "Content-Type": "application/octet-stream" } });
	check("put raw", put.data?.status === "uploaded", put.error);
	const raw = await client.GET("/artifacts/{artifact_id}/raw",
		{ params: { path }, parseAs: "arrayBuffer" });
	check("raw", same(raw.data), raw.error);
	const part = await client.GET("/artifacts/{artifact_id}/raw", {
		params: { path, header: { Range: "bytes=0-1" } },
		parseAs: "arrayBuffer" });
	check("a part of raw", part.response.status === 206 &&
		part.data?.byteLength === 2, part.error);
	const uploaded = await client.POST("/artifacts/{artifact_id}/upload", {
		params: { path }, body: { file: file() }, bodySerializer: asForm });
	check("upload", uploaded.data?.status === "uploaded", uploaded.error);

	const gone = await client.DELETE("/artifacts/{artifact_id}",
		{ params: { path } });
	check("delete", gone.data?.status === "deleted", gone.error);
	const missing = await client.GET("/artifacts/{artifact_id}",
		{ params: { path } });
	check("an error has its type", missing.response.status === 404 &&
		missing.error?.detail === `Artifact not found: ${artifact_id}`,
	missing.error);
	const faulty = await client.GET("/artifacts",
		{ params: { query: { limit: 0 } } });
	const detail422 = (faulty.error as components["schemas"]["Faults"])
		.detail;
	const where: (string | number)[] = detail422[0]?.loc ?? [];
	check("a fault has its place", where.join() === "query,limit", where);

	const service = { baseUrl: ROOT };
	check("healthz", (await client.GET("/healthz", service)).data?.status ===
		"healthy");
	check("readyz", (await client.GET("/readyz", service)).data?.status ===
		"ready");
	check("health", (await client.GET("/health")).data?.mode === "full");
	const metrics = await client.GET("/metrics",
		{ ...service, parseAs: "text" });
	check("metrics", metrics.data?.includes("artifactd_") === true);
	const document = await client.GET("/openapi.json", service);
	check("openapi", document.data?.openapi === "3.1.0");
});
