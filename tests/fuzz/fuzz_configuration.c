/* The files of an administrator: agent.json, or, where the first byte is "p", a profile. */
#include "config.h"
#include "agent/conf.h"
#include "agent/profile.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void end(void)
{
    scratch_close(NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    scratch_open(NULL);
    return atexit(end);
}

static const char *write_file(const uint8_t *data, size_t size)
{
    const char *path = scratch_path("file.json");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
    return path;
}

static void load_profile(const char *path)
{
    static const char *const listeners[] = {"default", "shop", NULL};
    char error[CONF_ERROR_MAX] = "";
    struct profile *profile = NULL;
    int r = profile_load(path, "p", listeners, &profile, error, sizeof error);
    if ((r == 0) != (profile != NULL) || (r == 0) == (error[0] != '\0'))
        abort();
    profile_free(profile);
}

static void load_conf(const char *path)
{
    char error[CONF_ERROR_MAX] = "";
    struct conf *conf = NULL;
    int r = conf_load(path, &conf, error);
    if ((r == 0) != (conf != NULL) || (r == 0) == (error[0] != '\0'))
        abort();
    conf_unref(conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 'p')
        load_profile(write_file(data + 1, size - 1));
    else
        load_conf(write_file(data, size));
    return 0;
}
