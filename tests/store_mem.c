/* SPDX-License-Identifier: ISC */
typedef int store_mem_c_is_empty;
