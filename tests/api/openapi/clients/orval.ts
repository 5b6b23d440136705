// SPDX-License-Identifier: ISC
//
// orval.ts - every operation by the client that orval makes, upon axios.
import axios, { isAxiosError } from "axios";
import * as api from "./generated/orval";
import { BASE, HASH, ROOT, blob, check, run, same } from "./checks";

axios.defaults.baseURL = BASE;

// What axios throws for anything but success.
async function refused<T>(answer: Promise<unknown>) {
	try {
		await answer;
	} catch (error) {
		if (isAxiosError<T>(error))
			return error.response;
	}
	return undefined;
}

run("orval", async () => {
	const body: api.Create = { workflow_id: "orval", artifact_type: "plan",
		title: "t", content: "hello" };
	const created = await api.createArtifact(body,
		{ headers: { "Idempotency-Key": `orval-${Date.now()}` } });
	check("create from JSON", created.status === 201 &&
		created.data.status === "created", created.data);
	const id = created.data.id;

	// It takes the members of both bodies, and sends JSON; a form of our own
	// goes out as one.
	const form = new FormData();
	const members: api.CreateForm = { workflow_id: "orval",
		artifact_type: "report", title: "f", file: blob("image/png") };
	for (const [key, value] of Object.entries(members))
		form.append(key, value as string | Blob);
	const sent = await api.createArtifact(form as unknown as api.CreateForm);
	check("create with a file", sent.status === 201, sent.data);
	const stored = await api.getArtifact(sent.data.id,
		{ include_content: false });
	check("the file is what was sent", stored.data.content_hash === HASH &&
		stored.data.content_type === "image/png" &&
		stored.data.content === null, stored.data);

	const list = await api.listArtifacts({ workflow_id: "orval", limit: 1 });
	check("list", list.data[0]?.id === sent.data.id &&
		typeof list.headers.link === "string", list.data);

	const updated = await api.updateArtifact(id, { derived_from:
		[sent.data.id], metadata: { a: [1.5, { b: null }] } });
	check("update", updated.data.status === "updated", updated.data);
	const detail = await api.getArtifact(id);
	const metadata: Record<string, unknown> = detail.data.metadata;
	check("detail", JSON.stringify(metadata.a) === '[1.5,{"b":null}]' &&
		detail.data.content === "hello", detail.data);
	const content = await api.getArtifactContent(id);
	check("content", content.data.content === "hello", content.data);

	const put = await api.putArtifactRaw(id, blob());
	check("put raw", put.data.status === "uploaded", put.data);
	const raw = await api.getArtifactRaw(id,
		{ responseType: "arraybuffer" });
	check("raw", same(raw.data as unknown as ArrayBuffer));
	const part = await api.getArtifactRaw(id,
		{ responseType: "arraybuffer", headers: { Range: "bytes=0-1" } });
	check("a part of raw", part.status === 206, part.status);
	const uploaded = await api.uploadArtifact(id, { file: blob() });
	check("upload", uploaded.data.status === "uploaded", uploaded.data);

	const gone = await api.deleteArtifact(id);
	check("delete", gone.data.status === "deleted", gone.data);
	const missing = await refused<api.Error>(api.getArtifact(id));
	check("an error has its type", missing?.status === 404 &&
		missing.data.detail === `Artifact not found: ${id}`, missing?.data);
	const faulty = await refused<api.Faults>(
		api.listArtifacts({ limit: 0 }));
	const where: (string | number)[] = faulty?.data.detail[0]?.loc ?? [];
	check("a fault has its place", where.join() === "query,limit", where);

	const service = { baseURL: ROOT };
	check("healthz", (await api.healthz(service)).data.status === "healthy");
	check("readyz", (await api.readyz({}, service)).data.status === "ready");
	check("health", (await api.health()).data.mode === "full");
	check("metrics", (await api.metrics(service)).data.includes("artifactd_"));
	check("openapi", (await api.openapi(service)).data.openapi === "3.1.0");
});
