/* SPDX-License-Identifier: ISC */
typedef int test_artifact_c_is_empty;
