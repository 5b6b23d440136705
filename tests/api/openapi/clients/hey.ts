// SPDX-License-Identifier: ISC
//
// hey.ts - every operation by the client that @hey-api/openapi-ts makes.
import { client } from "./generated/hey/client.gen";
import { formDataBodySerializer } from "./generated/hey/client";
import * as sdk from "./generated/hey/sdk.gen";
import type { Create, CreateForm, Faults } from "./generated/hey/types.gen";
import { BASE, HASH, ROOT, blob, check, run, same } from "./checks";

client.setConfig({ baseUrl: BASE });

run("hey-api", async () => {
	const body: Create = { workflow_id: "hey", artifact_type: "plan",
		title: "t", content: "hello" };
	const created = await sdk.createArtifact({ body,
		headers: { "Idempotency-Key": `hey-${Date.now()}` } });
	check("create from JSON", created.response.status === 201 &&
		created.data?.status === "created", created.error);
	const path = { artifact_id: created.data?.id ?? "" };

	// Of two media types it offers the first: the form is our own.
	const form: CreateForm = { workflow_id: "hey", artifact_type: "report",
		title: "f", file: blob("image/png") };
	const sent = await sdk.createArtifact({ ...formDataBodySerializer,
		body: form as unknown as Create,
		headers: { "Content-Type": null } });
	check("create with a file", sent.response.status === 201, sent.error);
	const stored = await sdk.getArtifact({
		path: { artifact_id: sent.data?.id ?? "" },
		query: { include_content: false } });
	check("the file is what was sent", stored.data?.content_hash === HASH &&
		stored.data.content_type === "image/png" &&
		stored.data.content === null, stored.data);

	const list = await sdk.listArtifacts({
		query: { workflow_id: "hey", limit: 1 } });
	check("list", list.data?.[0]?.id === sent.data?.id &&
		list.response.headers.has("Link"), list.data);

	const updated = await sdk.updateArtifact({ path,
		body: { metadata: { a: [1.5, { b: null }] },
			derived_from: [sent.data?.id ?? ""] } });
	check("update", updated.data?.status === "updated", updated.error);
	const detail = await sdk.getArtifact({ path });
	const metadata: Record<string, unknown> = detail.data?.metadata ?? {};
	check("detail", JSON.stringify(metadata.a) === '[1.5,{"b":null}]' &&
		detail.data?.content === "hello", detail.data);
	const content = await sdk.getArtifactContent({ path });
	check("content", content.data?.content === "hello", content.data);

	const put = await sdk.putArtifactRaw({ path, body: blob() });
	check("put raw", put.data?.status === "uploaded", put.error);
	const raw = await sdk.getArtifactRaw({ path, parseAs: "blob" });
	check("raw", same(await raw.data?.arrayBuffer()), raw.error);
	const part = await sdk.getArtifactRaw({ path, parseAs: "blob",
		headers: { Range: "bytes=0-1" } });
	check("a part of raw", part.response.status === 206 &&
		part.data?.size === 2, part.error);
	const uploaded = await sdk.uploadArtifact({ path,
		body: { file: blob() } });
	check("upload", uploaded.data?.status === "uploaded", uploaded.error);

	const gone = await sdk.deleteArtifact({ path });
	check("delete", gone.data?.status === "deleted", gone.error);
	const missing = await sdk.getArtifact({ path });
	check("an error has its type", missing.response.status === 404 &&
		missing.error?.detail === `Artifact not found: ${path.artifact_id}`,
	missing.error);
	const faulty = await sdk.listArtifacts({ query: { limit: 0 } });
	const where: (string | number)[] =
		(faulty.error as Faults).detail[0]?.loc ?? [];
	check("a fault has its place", where.join() === "query,limit", where);

	const service = { baseUrl: ROOT };
	check("healthz", (await sdk.healthz(service)).data?.status === "healthy");
	check("readyz", (await sdk.readyz(service)).data?.status === "ready");
	check("health", (await sdk.health()).data?.mode === "full");
	const metrics = await sdk.metrics(service);
	check("metrics", metrics.data?.includes("artifactd_") === true);
	check("openapi", (await sdk.openapi(service)).data?.openapi === "3.1.0");
});
