/* An audit log that a test opens, writes to and closes again. */
#include "config.h"
#include "tests/unit/audit_given.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct audit *audit;

struct audit_options audit_given_options(enum conf_sync sync)
{
    return (struct audit_options){.path = scratch_path("log"),
                                  .state_dir = scratch_path("."),
                                  .sync = sync,
                                  .sha256 = EVP_sha256()};
}

void audit_given_open(enum conf_sync sync)
{
    const struct audit_options options = audit_given_options(sync);
    char error[CONF_ERROR_MAX] = "";
    if (audit_open(&options, &audit, error) < 0)
        fail_msg("%s", error);
}

void audit_given_close(void)
{
    audit_close(audit);
    audit = NULL;
}

int audit_given_write(void)
{
    struct text members = {0};
    audit_record_begin(&members, "stop");
    int r = audit_write(audit, &members);
    text_free(&members);
    return r;
}
