/*-------------------------------------------------------------------------
 *
 * pepper.c
 *		Secrets that token digests are made with, from a file; see pepper.h.
 *
 * All memory is static: nothing here can fail for want of it, in the postmaster
 * least of all, and what was read is easily wiped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/parallel.h"
#include "base/pepper.h"
#include "common/base64.h"
#include "miscadmin.h"

#define MAX_FILE_SIZE		65536

/* As owner: any role. */
#define ALL_OWNERS			"all"

typedef struct NamedPepper
{
	char		name[PEPPER_MAX_NAME + 1];
	char		owner[NAMEDATALEN];
	Size		len;
	uint8		bytes[PEPPER_MAX_LEN];
} NamedPepper;

/* Unused room is 0, so that two can be compared. */
typedef struct PepperTable
{
	int			n;
	NamedPepper pepper[PEPPER_MAX_COUNT];
} PepperTable;

static PepperTable known;
static PepperTable fresh;		/* while a file is read */
static char file_text[MAX_FILE_SIZE + 1];
static char last_fault[160];
static void (*change_callback) (void) = NULL;

bool
pepper_is_name(const char *text)
{
	Size		len = strlen(text);

	return len > 0 && len <= PEPPER_MAX_NAME &&
		text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")] == '\0';
}

static const NamedPepper *
find_in(const PepperTable *table, const char *name)
{
	for (int i = 0; i < table->n; i++)
		if (strcmp(table->pepper[i].name, name) == 0)
			return &table->pepper[i];
	return NULL;
}

bool
pepper_find(const char *name, Pepper *pepper)
{
	const NamedPepper *named = find_in(&known, name);

	if (named == NULL)
		return false;
	pepper->bytes = named->bytes;
	pepper->len = named->len;
	pepper->owner = named->owner;
	return true;
}

bool
pepper_is_for(const Pepper *pepper, const char *role)
{
	return strcmp(pepper->owner, ALL_OWNERS) == 0 ||
		strcmp(pepper->owner, role) == 0;
}

const char *
pepper_fault(void)
{
	return last_fault[0] == '\0' ? NULL : last_fault;
}

void
pepper_on_change(void (*callback) (void))
{
	change_callback = callback;
}

/* What is wrong with a file must not quote it. */
static bool
fail(const char *what)
{
	strlcpy(last_fault, what, sizeof(last_fault));
	return false;
}

static bool
fail_errno(const char *what)
{
	snprintf(last_fault, sizeof(last_fault), "%s: %m", what);
	return false;
}

/* ---------- a value ---------- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* These return how many bytes there are; 0 if it cannot be read. */
static Size
read_hex(const char *text, uint8 *bytes)
{
	Size		len = strlen(text);

	if (len % 2 != 0 || len / 2 > PEPPER_MAX_LEN)
		return 0;
	for (Size i = 0; i < len; i += 2)
	{
		int			high = hex_digit(text[i]);
		int			low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return 0;
		bytes[i / 2] = (uint8) (high << 4 | low);
	}
	return len / 2;
}

static Size
read_base64(const char *text, uint8 *bytes)
{
	int			len = pg_b64_decode(text, (int) strlen(text), (void *) bytes,
									PEPPER_MAX_LEN);

	return len < 0 ? 0 : (Size) len;
}

static Size
read_text(const char *text, uint8 *bytes)
{
	Size		len = strlen(text);

	if (len > PEPPER_MAX_LEN)
		return 0;
	memcpy(bytes, text, len);
	return len;
}

static const struct
{
	const char *form;
	Size		(*read) (const char *text, uint8 *bytes);
}			forms[] = {
	{"hex:", read_hex},
	{"base64:", read_base64},
	{"text:", read_text},
};

static const char *
read_value(const char *value, NamedPepper *pepper)
{
	for (int i = 0; i < (int) lengthof(forms); i++)
	{
		Size		form_len = strlen(forms[i].form);

		if (strncmp(value, forms[i].form, form_len) != 0)
			continue;
		value += form_len;
		if (value[0] == ' ' || value[0] == '\t')
			return "the value begins with a blank";
		pepper->len = forms[i].read(value, pepper->bytes);
		return pepper->len > 0 ? NULL :
			"the value is empty, longer than 512 bytes, or not of its form";
	}
	return "the value does not begin with hex:, base64: or text:";
}

StaticAssertDecl(PEPPER_MAX_LEN == 512, "a message says how long a value can be");

/* ---------- a file ---------- */

/* Cut the next field off a line; NULL if there is none. */
static char *
next_field(char **line)
{
	char	   *field = *line + strspn(*line, " \t");
	char	   *end = field + strcspn(field, " \t");

	if (*field == '\0')
		return NULL;
	*line = *end == '\0' ? end : end + 1;
	*end = '\0';
	return field;
}

/* Read a line with a pepper into the fresh table; what is wrong with it, or NULL. */
static const char *
read_pepper(char *line)
{
	NamedPepper *pepper = &fresh.pepper[fresh.n];
	char	   *name = next_field(&line);
	char	   *owner = next_field(&line);
	char	   *value = line + strspn(line, " \t");
	Size		len = strlen(value);

	if (owner == NULL || len == 0)
		return "there are not a name, an owner and a value";
	if (value[len - 1] == ' ' || value[len - 1] == '\t')
		return "it ends with a blank";
	if (!pepper_is_name(name))
		return "the name is none";
	if (strlen(owner) >= NAMEDATALEN)
		return "the owner is longer than the name of a role";
	if (find_in(&fresh, name) != NULL)
		return "the name is in an earlier line, too";
	if (fresh.n == PEPPER_MAX_COUNT)
		return "there are more than 32 peppers";
	strcpy(pepper->name, name);
	strcpy(pepper->owner, owner);
	fresh.n++;
	return read_value(value, pepper);
}

StaticAssertDecl(PEPPER_MAX_COUNT == 32, "a message says how many there can be");

/* A last line without an end may be half a line. */
static bool
read_lines(char *text)
{
	char	   *end;

	for (int number = 1; *text != '\0'; number++)
	{
		const char *what = NULL;
		char	   *line = text + strspn(text, " \t");

		end = strchr(text, '\n');
		if (end == NULL)
			return fail("its last line does not end with a newline");
		*end = '\0';
		if (end > text && end[-1] == '\r')
			end[-1] = '\0';
		if (line < end && *line != '\0' && *line != '#')
			what = read_pepper(line);
		if (what != NULL)
		{
			snprintf(last_fault, sizeof(last_fault), "line %d: %s", number, what);
			return false;
		}
		text = end + 1;
	}
	return true;
}

/* As core guards the server's private key. */
static bool
is_guarded(int file)
{
	struct stat status;

	if (fstat(file, &status) != 0)
		return fail_errno("it cannot be examined");
	if (!S_ISREG(status.st_mode))
		return fail("it is not a regular file");
#if !defined(WIN32) && !defined(__CYGWIN__)
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return fail("it is owned neither by the user that the server runs as, nor by root");
	if (status.st_mode & (status.st_uid == 0 ? S_IWGRP | S_IXGRP | S_IRWXO :
						  S_IRWXG | S_IRWXO))
		return fail("others have access to it: its mode must be 0600 or less, or 0640 or less if root owns it");
#endif
	return true;
}

/* Read an open file into file_text. */
static bool
read_text_of(int file)
{
	Size		len = 0;

	for (;;)
	{
		ssize_t		n = read(file, file_text + len, MAX_FILE_SIZE - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno("it cannot be read");
		if (n == 0)
			break;
		len += n;
		if (len == MAX_FILE_SIZE)
			return fail("it is too long");
	}
	file_text[len] = '\0';
	if (strlen(file_text) != len)
		return fail("there is a zero byte in it");
	return true;
}

/* The file is opened first: what is examined is what is read. */
static bool
read_fresh(const char *path)
{
	int			file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
	bool		ok;

	if (file < 0)
		return fail_errno("it cannot be opened");
	ok = is_guarded(file) && read_text_of(file) && read_lines(file_text);
	close(file);
	return ok;
}

void
pepper_read_file(const char *path, void *extra)
{
	bool		ok;

	/* it has its leader's settings set anew, and judges no token */
	if (IsParallelWorker())
		return;
	last_fault[0] = '\0';
	explicit_bzero(&fresh, sizeof(fresh));
	ok = path == NULL || path[0] == '\0' || read_fresh(path);
	if (!ok)
		ereport(IsUnderPostmaster ? DEBUG2 : LOG,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("file \"%s\" of tokenauth.pepper_file is not taken: %s",
						path, last_fault)));
	else if (memcmp(&fresh, &known, sizeof(known)) != 0)
	{
		known = fresh;
		if (change_callback != NULL)
			change_callback();
	}
	explicit_bzero(&fresh, sizeof(fresh));
	explicit_bzero(file_text, sizeof(file_text));
}
