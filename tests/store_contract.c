/* SPDX-License-Identifier: ISC */
typedef int store_contract_c_is_empty;
