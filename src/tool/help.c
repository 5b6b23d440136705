/* SPDX-License-Identifier: ISC */
/*
 * help.c - finding commands, help and completion, all from the table of
 * commands and their options.
 */

#include "ctl.h"

#define COLUMN 26 /* where what an option does begins */

const struct ctl_command *
ctl_find(const char *name)
{
	size_t i;

	for (i = 0; ctl_commands[i] != NULL; i++)
		if (strcmp(ctl_commands[i]->name, name) == 0)
			return ctl_commands[i];
	return NULL;
}

/* "  -w, --workflow WORKFLOW  only …" */
static void
print_option(const struct ctl_option *option, FILE *file)
{
	char name[64];
	int width;

	(void)snprintf(name, sizeof(name), "  %c%c%s--%s%s%s",
	    option->letter != 0 ? '-' : ' ',
	    option->letter != 0 ? option->letter : ' ',
	    option->letter != 0 ? ", " : "  ", option->name,
	    option->argument != NULL ? " " : "",
	    option->argument != NULL ? option->argument : "");
	width = (int)strlen(name);
	fprintf(file, "%s%*s%s\n", name, width < COLUMN ? COLUMN - width : 2,
	    "", option->help);
}

static void
print_command(const struct ctl_command *command, FILE *file)
{
	const struct ctl_option *option;
	size_t index = 0;

	fprintf(file, "Usage: artifactctl %s [OPTION]...%s%s\n%s.\n\n",
	    command->name, command->operands[0] != '\0' ? " " : "",
	    command->operands, command->summary);
	if (command->details != NULL)
		fprintf(file, "%s\n", command->details);
	while ((option = ctl_next_option(command, &index)) != NULL)
		print_option(option, file);
}

void
ctl_help(const struct ctl_command *command, FILE *file)
{
	size_t i;

	if (command != NULL) {
		print_command(command, file);
		return;
	}
	fprintf(file,
	    "Usage: artifactctl COMMAND [OPTION]... [OPERAND]...\n"
	    "Use an artifact store over HTTP, or look after the one of this "
	    "host.\n\n");
	for (i = 0; ctl_commands[i] != NULL; i++)
		fprintf(file, "  %-12s  %s\n", ctl_commands[i]->name,
		    ctl_commands[i]->summary);
	fprintf(file,
	    "\nartifactctl help COMMAND tells more of each. Exit codes: 0 ok, "
	    "1 failure,\n2 usage, 3 not found, 4 integrity, 5 would change "
	    "something (dry run), 6 changed\nmeanwhile, 7 ambiguous id, 8 try "
	    "later.\n");
}

static int
run_help(struct ctl *ctl)
{
	const struct ctl_command *command = NULL;

	if (ctl->operand_count > 0) {
		command = ctl_find(ctl->operands[0]);
		if (command == NULL)
			return ctl_usage(ctl, "there is no command \"%.200s\"",
			    ctl->operands[0]);
	}
	ctl_help(command, stdout);
	return CTL_OK;
}

const struct ctl_command ctl_command_help = {
	.name = "help",
	.summary = "Explain the commands, or one of them",
	.operands = "[COMMAND]",
	.most = 1,
	.run = run_help,
};

/* ---- completion ---- */

static void
print_words(const struct ctl_command *command)
{
	const struct ctl_option *option;
	size_t index = 0;

	printf("\t%s) words=\"", command->name);
	while ((option = ctl_next_option(command, &index)) != NULL)
		printf("--%s ", option->name);
	printf("\" ;;\n");
}

/* The first word that is no option is the command; then its options, or
 * file names. */
static void
print_bash(void)
{
	size_t i;

	printf("# bash completion for artifactctl\n"
	       "_artifactctl()\n{\n"
	       "\tlocal word words command= current=${COMP_WORDS[COMP_CWORD]}\n"
	       "\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
	       "\t\tcase $word in\n\t\t-*) ;;\n"
	       "\t\t*) command=$word; break ;;\n\t\tesac\n\tdone\n"
	       "\tcase $command in\n\t'' | help) words=\"");
	for (i = 0; ctl_commands[i] != NULL; i++)
		printf("%s ", ctl_commands[i]->name);
	printf("\" ;;\n");
	for (i = 0; ctl_commands[i] != NULL; i++)
		if (ctl_commands[i] != &ctl_command_help)
			print_words(ctl_commands[i]);
	printf("\tesac\n"
	       "\tcase $command:$current in\n"
	       "\t:* | help:* | *:-*)\n"
	       "\t\tmapfile -t COMPREPLY < \\\n"
	       "\t\t    <(compgen -W \"$words\" -- \"$current\") ;;\n"
	       "\tesac\n}\n"
	       "complete -o default -F _artifactctl artifactctl\n");
}

/* In single quotes of a shell; those of others have a backslash in front. */
static void
print_quoted(const char *text, const char *others)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			printf("'\\''");
		else
			printf(
			    "%s%c", strchr(others, *text) ? "\\" : "", *text);
	}
}

/* Does the option take the name of a file? */
static bool
takes_file(const struct ctl_option *option)
{
	return option->argument != NULL &&
	       (strstr(option->argument, "FILE") != NULL ||
		   strstr(option->argument, "DIR") != NULL ||
		   strcmp(option->argument, "LIST") == 0 ||
		   strcmp(option->argument, "JSON") == 0);
}

/* Print both names of an option as zsh's _arguments wants them:
 * '*-w[…]:WORKFLOW:'. */
static void
print_zsh_option(const struct ctl_option *option)
{
	int way;

	for (way = option->letter != 0 ? 0 : 1; way < 2; way++) {
		if (way == 0)
			printf("\t\t    '*-%c[", option->letter);
		else
			printf("\t\t    '*--%s%s[", option->name,
			    option->argument != NULL ? "=" : "");
		print_quoted(option->help, "[]:\\");
		printf("]");
		if (option->argument != NULL) {
			printf(":");
			print_quoted(option->argument, ":\\");
			printf(":%s", takes_file(option) ? "_files" : " ");
		}
		printf("' \\\n");
	}
}

static void
print_zsh_command(const struct ctl_command *command)
{
	const struct ctl_option *option;
	size_t index = 0;

	printf("\t%s)\n\t\t_arguments -S \\\n", command->name);
	while ((option = ctl_next_option(command, &index)) != NULL)
		print_zsh_option(option);
	printf("\t\t    %s ;;\n",
	    command == &ctl_command_help
		? "'1:command:{_describe command commands}'"
	    : command == &ctl_command_completion ? "'1:shell:(bash zsh fish)'"
						 : "'*:operand:_files'");
}

static void
print_zsh(void)
{
	size_t i;

	printf("#compdef artifactctl\n"
	       "_artifactctl()\n{\n"
	       "\tlocal curcontext=$curcontext state line\n"
	       "\tlocal -a commands\n"
	       "\ttypeset -A opt_args\n"
	       "\tcommands=(\n");
	for (i = 0; ctl_commands[i] != NULL; i++) {
		printf("\t    '%s:", ctl_commands[i]->name);
		print_quoted(ctl_commands[i]->summary, ":\\");
		printf("'\n");
	}
	printf("\t)\n"
	       "\t_arguments -C '1: :->command' '*:: :->argument' && return\n"
	       "\tif [[ $state = command ]]; then\n"
	       "\t\t_describe command commands\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tcase $words[1] in\n");
	for (i = 0; ctl_commands[i] != NULL; i++)
		print_zsh_command(ctl_commands[i]);
	/* zsh runs the file as the function when it loads the file by itself;
	 * when a user sources the file, compdef has to name the function. */
	printf("\tesac\n}\n"
	       "if [[ $funcstack[1] = _artifactctl ]]; then\n"
	       "\t_artifactctl \"$@\"\n"
	       "else\n"
	       "\tcompdef _artifactctl artifactctl\n"
	       "fi\n");
}

static void
print_fish_option(
    const struct ctl_command *command, const struct ctl_option *option)
{
	printf("complete -c artifactctl -n '__fish_seen_subcommand_from %s'",
	    command->name);
	if (option->letter != 0)
		printf(" -s %c", option->letter);
	printf(" -l %s%s -d '", option->name,
	    option->argument == NULL ? ""
	    : takes_file(option)     ? " -r -F"
				     : " -x");
	print_quoted(option->help, "");
	printf("'\n");
}

static void
print_fish(void)
{
	const struct ctl_command *command;
	const struct ctl_option *option;
	size_t index, i;

	printf("# fish completion for artifactctl\n");
	for (i = 0; ctl_commands[i] != NULL; i++) {
		command = ctl_commands[i];
		printf("complete -c artifactctl -f -n __fish_use_subcommand "
		       "-a %s -d '",
		    command->name);
		print_quoted(command->summary, "");
		printf("'\n");
		printf("complete -c artifactctl -f -n "
		       "'__fish_seen_subcommand_from help' -a %s\n",
		    command->name);
		index = 0;
		while ((option = ctl_next_option(command, &index)) != NULL)
			print_fish_option(command, option);
	}
	printf("complete -c artifactctl -f -n '__fish_seen_subcommand_from "
	       "completion' -a 'bash zsh fish'\n");
}

static int
run_completion(struct ctl *ctl)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = {
		{ "bash", print_bash },
		{ "zsh", print_zsh },
		{ "fish", print_fish },
	};
	const char *name = ctl->operand_count > 0 ? ctl->operands[0] : "bash";
	size_t i;

	for (i = 0; i < COUNT_OF(shells); i++)
		if (strcmp(name, shells[i].name) == 0) {
			shells[i].print();
			return CTL_OK;
		}
	return ctl_usage(ctl,
	    "there is completion for bash, zsh and fish, "
	    "not for \"%.200s\"",
	    name);
}

const struct ctl_command ctl_command_completion = {
	.name = "completion",
	.summary = "Print completion for bash, zsh or fish",
	.operands = "[SHELL]",
	.most = 1,
	.run = run_completion,
	.details = "  . <(artifactctl completion)\n"
		   "  . <(artifactctl completion zsh)\n"
		   "  artifactctl completion fish | source\n",
};
