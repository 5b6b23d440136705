/* SPDX-License-Identifier: ISC */
typedef int test_notify_c_is_empty;
