/* SPDX-License-Identifier: ISC */
/*
 * json_items.c - arrays and numbers of an answer, cut out of its checked
 * text. A client needs no more of a list than where each item stands.
 */

#include "json.h"

static bool
is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static struct span
trim(struct span text)
{
	while (text.size > 0 && is_space(text.data[0]))
		text = span_from(text, 1);
	while (text.size > 0 && is_space(text.data[text.size - 1]))
		text.size--;
	return text;
}

/*
 * Where the value that starts at i ends, in the inside of a checked array:
 * at the next comma outside of strings and brackets.
 */
static size_t
value_end(struct span inside, size_t i)
{
	size_t depth = 0;
	char byte;

	while (i < inside.size) {
		byte = inside.data[i];
		if (byte == '"') {
			i = json_string_end(inside, i);
			continue;
		}
		if (byte == ',' && depth == 0)
			break;
		if (byte == '{' || byte == '[')
			depth++;
		if (byte == '}' || byte == ']')
			depth--;
		i++;
	}
	return i;
}

/* Note the items, or only count them (NULL). */
static size_t
cut_items(struct span inside, struct span *ret_items)
{
	size_t count = 0;
	size_t start, end;

	for (start = 0; start < inside.size; start = end + 1) {
		end = value_end(inside, start);
		if (ret_items != NULL)
			ret_items[count] =
			    trim(span_of(inside.data + start, end - start));
		count++;
	}
	return count;
}

bool
json_read_items(struct arena *arena, struct span text, struct span **ret_items,
    size_t *ret_count)
{
	struct json_shape shape;
	struct span inside;

	if (json_check(arena, text, &shape) != JSON_VALID)
		return false;
	inside = trim(shape.text);
	if (!span_starts_with(inside, "["))
		return false;
	inside = trim(span_of(inside.data + 1, inside.size - 2));
	*ret_count = cut_items(inside, NULL);
	*ret_items = arena_alloc(arena, *ret_count * sizeof(**ret_items));
	(void)cut_items(inside, *ret_items);
	return true;
}

bool
json_get_number(const struct json_document *document, const char *name,
    uint64_t *ret_number)
{
	struct span source = json_get_source(document, name);

	return span_number(source, ret_number);
}
