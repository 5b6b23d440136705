/* SPDX-License-Identifier: ISC */
typedef int store_contract_h_is_empty;
