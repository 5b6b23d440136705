/* SPDX-License-Identifier: ISC */
/*
 * output.h - what commands print: rows, in the form that was asked for.
 *
 * A row has members in an order. With --json a row is an object on a line. On a
 * terminal rows make a table that is not wider than the terminal, with sizes
 * and times for people. Else the values stand on a line, with tabs between
 * them. No byte of a value reaches a terminal that would steer it.
 */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include "ctl.h"
#include "base/digest.h"

struct ctl_row;

/* A new row, in an arena that the caller chooses. */
struct ctl_row *ctl_row(struct arena *arena);
/* Members; SPAN_NONE is null. Names are the table's headings too. */
void ctl_row_text(struct ctl_row *row, const char *name, struct span text);
/* An id that other commands take: its column is the last to be cut. */
void ctl_row_key(struct ctl_row *row, const char *name, struct span text);
/* "3h" on a terminal, else seconds. */
void ctl_row_age(struct ctl_row *row, const char *name, uint64_t seconds);
void ctl_row_number(struct ctl_row *row, const char *name, uint64_t number);
/* Bytes: "1.4 MiB" on a terminal. */
void ctl_row_size(struct ctl_row *row, const char *name, uint64_t bytes);
void ctl_row_bool(struct ctl_row *row, const char *name, bool is_true);
/* A SHA-256, in hex. */
void ctl_row_hash(struct ctl_row *row, const char *name,
    const uint8_t hash[DIGEST_SHA256_SIZE]);
/* Checked JSON text. */
void ctl_row_source(struct ctl_row *row, const char *name, struct span text);

/*
 * Rows with the same members, printed as they come, but on a terminal in
 * pages of which each column has one width. There a column without a value in
 * any row is left out, and the widest is cut where a row would not fit.
 */
struct ctl_output;

struct ctl_output *ctl_output_open(const struct ctl *ctl);
/* The row is printed or copied: its arena is the caller's again. */
void ctl_output_row(struct ctl_output *output, const struct ctl_row *row);
/* Prints what is left, and gives it back. */
void ctl_output_close(struct ctl_output *output);

/* A name alone, on a line. */
void ctl_print_name(const struct ctl *ctl, struct span name);
/* One row alone: an object, or a line for each member. */
void ctl_print_facts(const struct ctl *ctl, const struct ctl_row *row);

/*
 * Texts in the arena, each with a NUL behind it that is not counted.
 *
 * "1.4 MiB".
 */
struct span ctl_size_text(struct arena *arena, uint64_t bytes);
/* "1 artifact", "2 artifacts": of a word that takes an s. */
struct span
ctl_count_text(struct arena *arena, uint64_t number, const char *word);
/*
 * Without what would steer a terminal, turn its text around, or break a line
 * in two.
 */
struct span ctl_visible(struct arena *arena, struct span text);
/* Visible text, cut with "..." to so many columns of a terminal. */
struct span ctl_fit(struct arena *arena, struct span text, size_t width);

#endif
