/* SPDX-License-Identifier: ISC */
typedef int store_mem_h_is_empty;
