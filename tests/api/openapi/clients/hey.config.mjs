// SPDX-License-Identifier: ISC
export default {
	input: process.env.DOCUMENT,
	output: "./generated/hey",
	plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
};
