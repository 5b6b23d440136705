/* SPDX-License-Identifier: ISC */
/*
 * json_object.c - a client's object as it is kept: the text that was sent,
 * without white space, of keys that came twice the last, and with numbers
 * that every reader can take.
 *
 * RFC 8259 leaves to the reader which of two equal keys counts, and how large
 * a number may be: one takes the first key, another the last, and many refuse
 * 1e400. What all read alike has each key once, and is near a double.
 */
#include "json.h"
#include "base/limits.h"

#include <assert.h>

/* A member of an object at any depth, in the order of the text. */
struct member {
	size_t object;	 /* which object: they are counted as they open */
	struct span key; /* decoded */
	size_t start;	 /* of its key */
	size_t end;	 /* behind its value; of one that is dropped a comma */
	bool is_dropped;
};

struct members {
	struct arena *arena;
	struct member *list;
	size_t count;
	size_t capacity;
};

/* ---- the members of a text ---- */

/* A bracket that is open. */
struct level {
	bool is_object;
	bool wants_key;
	size_t object; /* its number, if it is one */
	size_t member; /* its present one, as an index in the list */
};

/* Of compact, checked text. */
static void
find_members(struct members *members, struct span text)
{
	struct level levels[LIMIT_JSON_DEPTH + 1] = { { false, false, 0, 0 } };
	struct level *level = levels; /* the lowest is outside of all */
	struct member member = { .object = 0 };
	size_t objects = 0;
	size_t i = 0, end;

	while (i < text.size) {
		switch (text.data[i]) {
		case '{':
		case '[':
			assert(level < levels + LIMIT_JSON_DEPTH);
			*++level =
			    (struct level){ .is_object = text.data[i] == '{' };
			level->wants_key = level->is_object;
			level->object = objects++;
			break;
		case '"':
			end = json_string_end(text, i);
			if (level->wants_key) {
				member.object = level->object;
				member.key = json_decode_key(members->arena,
				    span_of(text.data + i + 1, end - i - 2));
				member.start = i;
				level->member = members->count;
				level->wants_key = false;
				members->list = arena_grow(members->arena,
				    members->list, members->count,
				    &members->capacity, sizeof(member));
				members->list[members->count++] = member;
			}
			i = end;
			continue;
		case ',':
			level->wants_key = level->is_object;
			if (level->is_object)
				members->list[level->member].end = i;
			break;
		case '}':
		case ']':
			level--;
			break;
		default:
			break;
		}
		i++;
	}
}

/* ---- keys that come twice ---- */

/* By object, then by key. */
static int
compare_keys(const struct member *one, const struct member *other)
{
	if (one->object != other->object)
		return one->object < other->object ? -1 : 1;
	return span_compare(one->key, other->key);
}

/* The same, and of the same key in the order of the text. */
static int
compare_members(const void *one, const void *other)
{
	const struct member *first = one, *second = other;
	int order = compare_keys(first, second);

	return order != 0 ? order : (first > second) - (first < second);
}

/*
 * Drop those that are followed by another of their key, and say how many. They
 * are sorted, since looking back for each would take time that grows with the
 * square of their number.
 */
static size_t
drop_members(struct members *members)
{
	const void **sorted =
	    arena_alloc(members->arena, members->count * sizeof(*sorted));
	const struct member *member;
	size_t count = 0;
	size_t i;

	for (i = 0; i < members->count; i++)
		sorted[i] = &members->list[i];
	pointers_sort(sorted, members->count, compare_members);
	for (i = 1; i < members->count; i++) {
		member = sorted[i - 1];
		if (compare_keys(member, sorted[i]) != 0)
			continue;
		members->list[member - members->list].is_dropped = true;
		count++;
	}
	return count;
}

/* One that is dropped is never the last of its object: a comma follows. */
static struct span
without_dropped(const struct members *members, struct span text)
{
	const struct member *member;
	struct buffer buffer;
	size_t done = 0;
	size_t i;

	buffer_init(&buffer, members->arena);
	buffer_reserve(&buffer, text.size);
	for (i = 0; i < members->count; i++) {
		member = &members->list[i];
		if (!member->is_dropped || member->start < done)
			continue; /* kept, or inside of what went */
		buffer_append(
		    &buffer, span_of(text.data + done, member->start - done));
		done = member->end + 1;
	}
	buffer_append(&buffer, span_from(text, done));
	return buffer_span(&buffer);
}

struct span
json_object_kept(struct arena *arena, struct span value)
{
	struct members members = { .arena = arena };
	struct span text = json_compact(arena, value);

	find_members(&members, text);
	if (members.count < 2 || drop_members(&members) == 0)
		return text;
	return without_dropped(&members, text);
}

/* ---- numbers ---- */

/*
 * The least number that is rounded to infinity, 2^1024 - 2^970; its first
 * digit counts 10^308. Not strtod, which goes by the locale.
 */
static const char too_large[] =
    "1797693134862315807937289714053034150799341327100378269361737789"
    "8044496829276475094664901797758720709633028641669288791094655554"
    "7851940402630657488671505820681908902000708383676273854845817711"
    "5317644757302700698555713669596228429148198608349364752927190741"
    "68444365510704342711559699508093042880177904174497792";

#define LIMIT_EXPONENT 308
#define SATURATED 1000000000 /* more than there are digits in a text */

static int64_t
read_exponent(struct span text)
{
	bool is_negative = span_starts_with(text, "-");
	uint64_t exponent;

	if (is_negative || span_starts_with(text, "+"))
		text = span_from(text, 1);
	if (!span_number(text, &exponent) || exponent > SATURATED)
		exponent = SATURATED;
	return is_negative ? -(int64_t)exponent : (int64_t)exponent;
}

/* Is the nearest double a number? Of the source text of a JSON number. */
static bool
is_finite(struct span number)
{
	size_t places = sizeof(too_large) - 1;
	int64_t exponent = 0; /* of the first digit that counts */
	bool has_begun = false, is_fraction = false;
	size_t place = 0, i;
	int order = 0; /* of its digits and those that are too large */

	for (i = 0; i < number.size; i++) {
		char byte = number.data[i];

		if (byte == 'e' || byte == 'E')
			break;
		if (byte == '.')
			is_fraction = true;
		if (!ascii_is_digit(byte))
			continue;
		if (has_begun ? !is_fraction : is_fraction)
			exponent += has_begun ? 1 : -1;
		has_begun = has_begun || byte != '0';
		if (has_begun && order == 0)
			order =
			    byte - (place < places ? too_large[place] : '0');
		place += has_begun;
	}
	if (!has_begun)
		return true;
	for (; order == 0 && place < places; place++)
		order = '0' - too_large[place];
	if (i < number.size)
		exponent += read_exponent(span_from(number, i + 1));
	return exponent < LIMIT_EXPONENT ||
	       (exponent == LIMIT_EXPONENT && order < 0);
}

static bool
is_number_byte(char byte)
{
	return ascii_is_digit(byte) || byte == '-' || byte == '+' ||
	       byte == '.' || byte == 'e' || byte == 'E';
}

bool
json_is_finite(struct span text)
{
	size_t i = 0, start;

	while (i < text.size) {
		if (text.data[i] == '"') {
			i = json_string_end(text, i);
			continue;
		}
		start = i++;
		if (!ascii_is_digit(text.data[start]) &&
		    text.data[start] != '-')
			continue;
		while (i < text.size && is_number_byte(text.data[i]))
			i++;
		if (!is_finite(span_of(text.data + start, i - start)))
			return false;
	}
	return true;
}
