/* SPDX-License-Identifier: ISC */
typedef int test_multipart_c_is_empty;
