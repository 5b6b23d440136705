/* SPDX-License-Identifier: ISC */
typedef int test_wire_c_is_empty;
