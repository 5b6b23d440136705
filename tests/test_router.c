/* SPDX-License-Identifier: ISC */
typedef int test_router_c_is_empty;
