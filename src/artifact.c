/* SPDX-License-Identifier: ISC */
/* artifact.c - */

typedef int artifact_is_empty;
