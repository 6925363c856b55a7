/* Runs a fuzz target as a test, in TAP, a case a file: with the files that the command line names,
 * or with those of its corpus in the sources. */
#include "config.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

static int number;

static void replay(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *data = fd >= 0 && fstat(fd, &st) == 0 ? malloc((size_t)st.st_size + 1) : NULL;
    ssize_t n = data ? read(fd, data, (size_t)st.st_size) : -1;
    if (n < 0 || n != st.st_size) {
        perror(path);
        exit(1);
    }
    close(fd);
    /* Of exactly this size, so that the sanitizers see a byte too much. */
    uint8_t *exact = malloc((size_t)n);
    if (n > 0 && exact)
        memcpy(exact, data, (size_t)n);
    free(data);
    LLVMFuzzerTestOneInput(exact, (size_t)n);
    free(exact);
    printf("ok %d - %s\n", ++number, strrchr(path, '/') + 1);
    fflush(stdout);
}

static void replay_folder(const char *path)
{
    char *file;
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            if (asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0)
                exit(1);
            replay(file);
            free(file);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

int main(int argc, char **argv)
{
    char path[PATH_SIZE];
    const char *top = getenv("top_srcdir"), *name = strrchr(argv[0], '_');
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    if (argc == 1 && name) {
        snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", top ? top : ".", name + 1);
        replay_folder(path);
    }
    printf("1..%d\n", number);
    return number > 0 ? 0 : 1;
}
