/* SPDX-License-Identifier: ISC */
/*
 * form.c - reading a multipart body. However many parts there are, what is
 * kept of them is bounded: fields by their limits, the names of unknown parts
 * as a refusal shows them, and of files the last one, as an upload.
 */

#include "handle.h"

#include "protocol/header.h"

#include "protocol/multipart.h"
#include "protocol/utf8.h"

/* ---- the part `file` ---- */

void
handle_form_drop(struct form *form)
{
	if (form->file.upload != NULL)
		upload_drop(form->file.upload);
	form->file.upload = NULL;
}

static void
close_arena(void *object)
{
	arena_close(object);
}

/* A place for the bytes of one file; that of an earlier one is given back. */
static struct arena *
fresh_arena(struct form *form)
{
	if (form->file_arena == NULL) {
		form->file_arena = arena_open();
		arena_defer(form->arena, close_arena, form->file_arena);
	} else {
		arena_reset(form->file_arena);
	}
	return form->file_arena;
}

/* What the headers of a part say, as it is stored: UTF-8, and not empty. */
static struct span
stored_text(struct arena *arena, struct span text)
{
	return text.size == 0 ? SPAN_NONE
			      : arena_copy(arena, utf8_repair(arena, text));
}

static void
begin_file(struct form *form, const struct multipart_part *part)
{
	const struct context *context = form->context;
	struct form_file *file = &form->file;
	struct arena *arena;

	handle_form_drop(form);
	*file = (struct form_file){ .kind = FORM_FILE_NONE };
	arena = fresh_arena(form);
	if (part->filename.data == NULL)
		return;
	file->kind = FORM_FILE_SENT;
	file->filename = stored_text(arena, part->filename);
	if (file->filename.data != NULL)
		file->filename = utf8_cut(file->filename, LIMIT_FILENAME);
	file->content_type =
	    stored_text(arena, header_media_type(part->content_type));
	file->repr_digest = arena_copy(arena, part->repr_digest);
	file->upload = form->is_nowhere || form->extra_count > 0
			   ? upload_open_nowhere(arena)
			   : upload_open(context->store, arena, context->owner);
}

static enum result
add_file(struct form *form, struct span data)
{
	struct form_file *file = &form->file;
	uint64_t limit = form->context->config->max_content;

	if (file->kind != FORM_FILE_SENT) {
		if (data.size > 0)
			file->kind = FORM_FILE_TEXT;
		return RESULT_OK;
	}
	if (!file->is_too_large &&
	    data.size > limit - upload_size(file->upload)) {
		handle_form_drop(form);
		file->is_too_large = true;
	}
	return file->is_too_large ? RESULT_OK
				  : upload_write(file->upload, data);
}

void
handle_form_check_file(const struct form *form, struct faults *faults)
{
	if (form->file.kind == FORM_FILE_NONE)
		fault_missing(faults, SPAN("file"));
	else if (form->file.kind == FORM_FILE_TEXT)
		faults_add(
		    faults, (struct fault){
				.type = "value_error",
				.message = "Value error, Expected UploadFile, "
					   "received: <class 'str'>",
				.area = "body",
				.name = SPAN("file"),
			    });
}

/* ---- fields ---- */

static struct form_field *
find_field(struct form *form, struct span name)
{
	size_t i;

	for (i = 0; i < form->field_count; i++)
		if (span_is(name, form->fields[i].name))
			return &form->fields[i];
	return NULL;
}

static void
begin_field(struct form_field *field, const struct multipart_part *part)
{
	field->is_there = true;
	field->is_file = part->filename.data != NULL;
	field->is_too_long = false;
	field->value = field->is_file ? SPAN_NONE : SPAN("");
	buffer_clear(&field->buffer);
}

static void
add_field(struct form_field *field, struct span data)
{
	if (field->is_file)
		return;
	if (data.size > field->limit - field->buffer.size) {
		data.size = field->limit - field->buffer.size;
		field->is_too_long = true;
	}
	if (data.size == 0)
		return;
	buffer_append(&field->buffer, data);
	field->value = buffer_span(&field->buffer);
}

/*
 * Note an unknown part, each name once, as with JSON. The answer is a refusal
 * from the first on, so that no more of a name is kept than it will show.
 */
static void
note_extra(struct form *form, struct span name)
{
	size_t i, old = form->extra_capacity * sizeof(*form->extra);
	struct form_extra extra;

	digest_fingerprint(name, extra.fingerprint, sizeof(extra.fingerprint));
	for (i = 0; i < form->extra_count; i++)
		if (memcmp(form->extra[i].fingerprint, extra.fingerprint,
			sizeof(extra.fingerprint)) == 0)
			return;
	if (form->extra_count == form->extra_capacity) {
		form->extra_capacity = form->extra_capacity * 2 + 8;
		form->extra = arena_resize(form->arena, form->extra, old,
		    form->extra_capacity * sizeof(*form->extra));
	}
	extra.name = fault_name(form->arena, name);
	form->extra[form->extra_count++] = extra;
}

/* ---- parts ---- */

static enum result
part_begin(void *object, const struct multipart_part *part)
{
	struct form *form = object;

	if (!header_is_uncoded(part->content_encoding)) {
		form->coding = arena_copy(form->arena, part->content_encoding);
		return RESULT_MALFORMED; /* refuse() says what it is about */
	}
	form->field = find_field(form, part->name);
	form->is_in_file = span_is(part->name, "file");
	if (form->is_in_file)
		begin_file(form, part);
	else if (form->field != NULL)
		begin_field(form->field, part);
	else if (form->has_extra)
		note_extra(form, part->name);
	return RESULT_OK;
}

static enum result
part_data(void *object, struct span data)
{
	struct form *form = object;

	if (form->is_in_file)
		return add_file(form, data);
	if (form->field != NULL)
		add_field(form->field, data);
	return RESULT_OK;
}

static enum result
part_end(void *object)
{
	(void)object;
	return RESULT_OK;
}

/* ---- the body ---- */

static void
init(struct form *form, const struct context *context, struct arena *arena)
{
	size_t i;

	form->context = context;
	form->arena = arena;
	for (i = 0; i < form->field_count; i++)
		buffer_init(&form->fields[i].buffer, arena);
}

static void
refuse(const struct form *form, struct response *response, enum result result,
    const char *text)
{
	if (form->coding.data != NULL)
		response_coded(response, form->coding);
	else if (result == RESULT_MALFORMED)
		response_error(response, 400, "%s", text);
	else
		response_result(response, result, SPAN_NONE);
}

/* Feed all of it; a body of no bytes at all has no parts, and no boundary. */
static bool
feed(const struct form *form, struct handle_body *body,
    struct multipart *multipart, struct response *response)
{
	struct span piece = SPAN_NONE;
	enum result result, read;

	while ((read = handle_body_next(body, &piece)) == RESULT_OK) {
		result = multipart_feed(multipart, piece);
		if (result != RESULT_OK) {
			refuse(
			    form, response, result, multipart_error(multipart));
			return false;
		}
	}
	if (read != RESULT_END) {
		response_result(response, read, SPAN_NONE);
		return false;
	}
	result = piece.data == NULL ? RESULT_OK : multipart_finish(multipart);
	if (result != RESULT_OK)
		refuse(form, response, result, multipart_error(multipart));
	return result == RESULT_OK;
}

bool
handle_form_read(const struct context *context, struct handle_body *body,
    struct form *form, struct response *response)
{
	struct multipart_events events = { form, part_begin, part_data,
		part_end };
	struct request *request = body->request;
	struct span boundary;
	const char *reason;

	init(form, context, request->arena);
	boundary =
	    multipart_boundary(request->arena, request->content_type, &reason);
	if (boundary.data == NULL) {
		response_error(response, 400, "%s", reason);
		return false;
	}
	if (feed(form, body, multipart_open(request->arena, boundary, &events),
		response))
		return true;
	handle_form_drop(form);
	return false;
}
