/* SPDX-License-Identifier: ISC */
/*
 * output.h - what commands print: rows, in one of three forms.
 *
 * A row has members in an order. With --json a row is an object on a line. On a
 * terminal rows make a table that is not wider than the terminal, with sizes
 * and times for people. Otherwise the values of a row stand on a line, with
 * tabs between them. Control bytes of a value never reach a terminal.
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
/* Afterwards the caller may reset the arena of the row: the row was printed or
 * copied. */
void ctl_output_row(struct ctl_output *output, const struct ctl_row *row);
/* Print the rows that are left, and free the output. */
void ctl_output_close(struct ctl_output *output);

/* A name alone, on a line. */
void ctl_print_name(const struct ctl *ctl, struct span name);
/* One row alone: an object, or a line for each member. */
void ctl_print_facts(const struct ctl *ctl, const struct ctl_row *row);

/* These texts live in the arena, each with a NUL behind it that is not
 * counted. */

/* "1.4 MiB". */
struct span ctl_size_text(struct arena *arena, uint64_t bytes);
/* "1 artifact", "2 artifacts": the word has to take an s. */
struct span
ctl_count_text(struct arena *arena, uint64_t number, const char *word);
/*
 * The text without control bytes, without what reverses the direction of text,
 * and without line breaks.
 */
struct span ctl_visible(struct arena *arena, struct span text);
/* Visible text, cut with "..." to so many columns of a terminal. */
struct span ctl_fit(struct arena *arena, struct span text, size_t width);

#endif
