/* SPDX-License-Identifier: ISC */
typedef int test_store_remote_c_is_empty;
