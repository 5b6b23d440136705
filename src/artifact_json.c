/* SPDX-License-Identifier: ISC */
/* artifact_json.c - */

typedef int artifact_json_is_empty;
