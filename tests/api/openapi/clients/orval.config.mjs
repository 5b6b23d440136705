// SPDX-License-Identifier: ISC
export default {
	artifactd: {
		input: process.env.DOCUMENT,
		output: { target: "./generated/orval.ts", client: "axios-functions" },
	},
};
