/* SPDX-License-Identifier: ISC */
typedef int test_fault_c_is_empty;
