/* SPDX-License-Identifier: ISC */
/* handle_artifact.c - */

typedef int handle_artifact_is_empty;
