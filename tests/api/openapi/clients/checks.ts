// SPDX-License-Identifier: ISC
//
// checks.ts - what the programs around the generated clients share: where the
// service is, what they send, and checks in the form of tests/e2e.
import { createHash } from "node:crypto";

// The two servers of the document. What looks after the service has to be
// there below the second.
export const ROOT = `http://127.0.0.1:${process.env.PORT}`;
export const BASE = `${ROOT}/api/v1`;

// No text, so that whoever takes it for one is found out.
export const BYTES = Uint8Array.from([0, 255, 254, 10, 13, 195, 40, 128]);
export const HASH = createHash("sha256").update(BYTES).digest("hex");
// Some take a Blob's own type for that of the body.
export const blob = (type = "") => new Blob([BYTES], { type });

let name = "";
export const by = (client: string): void => {
	name = client;
};

export function check(text: string, fits: boolean, found?: unknown): void {
	console.log(`${fits ? "ok" : "not ok"} - ${name}: ${text}`);
	if (!fits)
		console.log(`# ${JSON.stringify(found)?.slice(0, 300)}`);
}

export function same(found: ArrayBuffer | undefined): boolean {
	return found !== undefined &&
		Buffer.from(found).equals(Buffer.from(BYTES));
}

// What went wrong in the whole is a check, too.
export function run(client: string, program: () => Promise<void>): void {
	by(client);
	program().then(() => check("it comes to its end", true),
		(error: unknown) => check("it comes to its end", false,
			error instanceof Error ? error.stack : error));
}
