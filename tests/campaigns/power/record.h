/* SPDX-License-Identifier: ISC */
/*
 * record.h - what the recorder writes and the replayer reads: a head, then
 * size bytes, for each call that matters to the disk, in the order of calls.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdint.h>

enum record_op {
	RECORD_WRITE = 1,  /* bytes at offset, on disk after a sync */
	RECORD_WRITE_SYNC, /* bytes at offset, on disk now (O_DSYNC) */
	RECORD_TRUNCATE,   /* to offset */
	RECORD_SYNC,	   /* fsync, fdatasync */
	RECORD_NAME,	   /* open with O_CREAT, mkdir */
	RECORD_RENAME,	   /* format.new to format */
	RECORD_RECEIVED,   /* a message; offset: the descriptor */
	RECORD_ANSWERED,   /* a message, about to be sent */
};

enum record_file {
	RECORD_NONE,
	RECORD_DATA,   /* data.mdb */
	RECORD_FORMAT, /* format.new, format */
	RECORD_DIRECTORY,
	RECORD_PARENT, /* of the directory */
};

struct record {
	uint8_t op;
	uint8_t file;
	uint16_t unused;
	uint32_t size;
	uint64_t offset;
};

#endif
