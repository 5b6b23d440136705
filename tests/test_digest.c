/* SPDX-License-Identifier: ISC */
typedef int test_digest_c_is_empty;
