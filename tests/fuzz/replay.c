/*
 * replay.c - runs a fuzz target over the files of its corpus folder, for the normal test run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *folder, const char *name)
{
	static uint8_t bytes[1 << 20];
	char path[4096];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	if (f == NULL) {
		perror(path);
		return 1;
	}
	size_t n = fread(bytes, 1, sizeof bytes, f);
	(void)fclose(f);
	uint8_t *exact = malloc(n > 0 ? n : 1); /* exact size, so that a sanitizer sees an overrun */
	if (exact == NULL)
		return 1;
	for (size_t i = 0; i < n; i++)
		exact[i] = bytes[i];
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	int replayed = 0;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	DIR *d = opendir(argv[1]);
	if (d == NULL) {
		perror(argv[1]);
		return 1;
	}
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		if (e->d_name[0] == '.')
			continue;
		if (replay_file(argv[1], e->d_name) != 0)
			return 1;
		replayed++;
	}
	(void)closedir(d);
	(void)printf("%d inputs replayed\n", replayed);
	return replayed > 0 ? 0 : 1;
}
