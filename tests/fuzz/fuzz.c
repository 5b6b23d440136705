/* SPDX-License-Identifier: ISC */
/* fuzz.c - what targets share beyond fuzz.h. */
#include "fuzz.h"

/* The real one is made from doc/openapi.json, and nobody parses it. */
extern const char openapi_json[];
const char openapi_json[] = "{}";
