/* SPDX-License-Identifier: ISC */
typedef int test_scoreboard_c_is_empty;
